//! Claims about the chatbot that could not be: refused with the reason, and nothing of it is left.
use super::{Against, Claim, claim};
use crate::demo::evidence::Evidence;
use crate::demo::found::Found;

pub(super) fn undone(seen: &Evidence) -> Claim {
    let title = "a chatbot with a source that cannot be read is refused, with the reason";
    let mut against = Against::default();
    let Some(undone) = &seen.undone else {
        against.0.push("it was not tried".into());
        return claim("undone", title, "none".into(), against);
    };
    against.unless((400..600).contains(&undone.status), || {
        format!("the answer has status {}", undone.status)
    });
    against.unless(undone.reason.contains(&undone.unreadable), || {
        format!("the answer does not name {}", undone.unreadable)
    });
    let figures = format!("status {}, {}", undone.status, undone.code);
    claim("undone", title, figures, against)
}

pub(super) fn nothing_left(seen: &Evidence, found: &Found) -> Claim {
    let title = "nothing of that chatbot is left to be found";
    let mut against = Against::default();
    let Some(undone) = &seen.undone else {
        against.0.push("it was not tried".into());
        return claim("nothing-left", title, "none".into(), against);
    };
    let left = &found.left;
    against.unless(undone.chatbot_status == 404, || {
        format!("the chatbot answers with status {}", undone.chatbot_status)
    });
    against.unless(undone.documents_status == 404, || {
        format!(
            "its documents answer with status {}",
            undone.documents_status
        )
    });
    against.unless(!undone.listed && !left.listed, || {
        "it is still listed".into()
    });
    let counts = [
        ("passages", left.passages),
        ("full-text entries", left.full_text),
        ("revisions", left.revisions),
        ("documents in the index", left.published),
        ("listed documents", left.listed_documents),
        ("blobs", left.blobs),
    ];
    for (what, count) in counts {
        against.unless(count == 0, || format!("{count} {what} are left"));
    }
    let sources = undone.sources.len() as u64;
    against.unless(left.tombstones == sources, || {
        format!(
            "{} of {sources} sources were begun and deleted",
            left.tombstones
        )
    });
    let figures = format!(
        "{} passages, {} full-text entries, {} documents; {} tombstones, {} blobs",
        left.passages, left.full_text, left.listed_documents, left.tombstones, left.blobs,
    );
    claim("nothing-left", title, figures, against)
}
