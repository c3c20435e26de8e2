//! What is measured on a real Kafka, beside what a plain client does with the same broker in the same run.
pub mod arrivals;
pub mod copy;
pub mod entity;
pub mod hop;
pub mod http;
pub mod load;
pub mod machine;
pub mod memory;
pub mod raw;
pub mod redrive;
pub mod reply;
pub mod rows;
pub mod saga;
pub mod slow;
pub mod stage;
pub mod topics;

pub use arrivals::Arrivals;
pub use machine::KafkaMachine;
pub use topics::Topics;

/// The variables that `tests/services/up` prints.
const KAFKA: &str = "TROUPE_TEST_KAFKA";
const MONGODB: &str = "TROUPE_TEST_MONGODB_URL";

/// The servers that the environment names.
#[derive(Clone, Debug)]
pub struct Servers {
    /// Kafka's bootstrap addresses.
    pub kafka: String,
    /// MongoDB's address, if there is one: rows are kept in a file without.
    pub mongodb: Option<String>,
}

impl Servers {
    /// `None` if no Kafka is named.
    pub fn named() -> Option<Self> {
        let of = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
        Some(Self {
            kafka: of(KAFKA)?,
            mongodb: of(MONGODB),
        })
    }
    /// A client of its Kafka, with nothing but the address.
    pub fn client(&self) -> rdkafka::ClientConfig {
        let mut config = rdkafka::ClientConfig::new();
        config.set("bootstrap.servers", &self.kafka);
        config
    }
}

/// A name that nobody else has, lower-case letters and digits.
pub fn fresh() -> String {
    let mut bytes = [0; 8];
    getrandom::fill(&mut bytes).unwrap_or_else(|e| panic!("no randomness: {e}"));
    format!("b{:016x}", u64::from_le_bytes(bytes))
}
