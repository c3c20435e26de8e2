//! The guides are true: their code is compiled and tested here, their commands are run.
//!
//! Code stands in `guides/summaries` and `guides/trials`, as the files of a worker would; each block of a guide stands
//! in one of them, word for word.
mod commands;
mod machine;
mod pages;
mod summaries;
mod trials;

/// As [`events::record!`], whose schemas stand in `schemas/`: those of the guides stand in `guides/schemas/`.
macro_rules! record {
    ($type:ty, $name:literal, $file:literal) => {
        impl events::Record for $type {
            const NAME: &'static str = $name;
            fn schema() -> &'static events::RecordSchema {
                static SCHEMA: std::sync::LazyLock<events::RecordSchema> =
                    std::sync::LazyLock::new(|| {
                        const DIR: &str =
                            concat!(env!("CARGO_MANIFEST_DIR"), "/tests/guides/schemas/");
                        let text =
                            std::fs::read_to_string(format!("{DIR}{}", $file)).expect("a schema");
                        events::RecordSchema::parse($name, text.leak())
                    });
                &SCHEMA
            }
        }
    };
}
pub(crate) use record;
