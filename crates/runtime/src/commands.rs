//! The border of a context's commands (`inbox.<context>.commands`): which of them outsiders may send, and what must hold
//! of their fields. Tenant, size, identity, headers and where the answer goes are checked before (I3, I4, K4); here it is
//! what stands in the record. What does not pass is refused, with the reason, to whoever asked.
use crate::consumer::{Behaviour, Emitted, RouteStep, Routed};
use crate::emits::pass_on;
use crate::inbox::Incoming;
use crate::{Consumer, Moment};
use events::Addressed;
use events::id::check_part;
use events::record::Undecodable;
use std::collections::BTreeMap;
use std::sync::Arc;

type Pass = Box<dyn Fn(&Incoming<'_>, &Moment) -> Routed + Send + Sync>;

/// One command that outsiders may send.
pub struct OutsideCommand {
    emitted: Emitted,
    pass: Pass,
}

/// A command that outsiders may send, if `check` finds its fields to be what they should be: else the code of the refusal,
/// and why. Its key is that of the entity it concerns (I4).
pub fn command<A: Addressed>(
    check: fn(&A) -> Result<(), (&'static str, String)>,
) -> OutsideCommand {
    let pass = move |incoming: &Incoming<'_>, at: &Moment| {
        let command: A = match incoming.read() {
            Ok(command) => command,
            Err(Undecodable(why)) => return Routed::Undecodable(why),
        };
        if let Err((code, why)) = check(&command) {
            return Routed::Unroutable(code, why);
        }
        if command.id() != &*at.id {
            let why = format!("the key says {}, the command {}", at.id, command.id());
            return Routed::Unroutable("runtime.invalid_key", why);
        }
        Routed::On(pass_on(command))
    };
    OutsideCommand {
        emitted: Emitted {
            topic: A::TOPIC,
            record: A::NAME,
        },
        pass: Box::new(pass),
    }
}

/// The code of a command from outside with a field that is not what it may be.
pub const INVALID_COMMAND: &str = "runtime.invalid_command";

/// Whether each of these is an id, `[a-z0-9-]+`: a field's name and what stands in it.
///
/// # Errors
/// [`INVALID_COMMAND`] and the first that is none.
pub fn ids(fields: &[(&str, &str)]) -> Result<(), (&'static str, String)> {
    fields.iter().try_for_each(|(field, id)| {
        check_part(id).map_err(|e| (INVALID_COMMAND, format!("{field}: {e}")))
    })
}

struct Commands(BTreeMap<&'static str, Pass>);
impl RouteStep for Commands {
    fn route(&self, incoming: &Incoming<'_>, at: &Moment) -> Routed {
        match self.0.get(incoming.datum.record) {
            Some(pass) => pass(incoming, at),
            None => Routed::Undecodable(format!("{} is not taken here", incoming.datum.record)),
        }
    }
}

impl Consumer {
    /// The border of a context's commands.
    pub fn commands(name: &'static str, commands: Vec<OutsideCommand>) -> Self {
        let emits: Vec<Emitted> = commands.iter().map(|command| command.emitted).collect();
        let by_record = commands
            .into_iter()
            .map(|command| (command.emitted.record, command.pass));
        Self {
            name,
            behaviour: Behaviour::Route(Arc::new(Commands(by_record.collect()))),
            records: emits.iter().map(|emitted| emitted.record).collect(),
            emits,
        }
    }
}
