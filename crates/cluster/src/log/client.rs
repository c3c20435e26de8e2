//! What librdkafka itself has to say goes to our own logs.
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::error::{KafkaError, RDKafkaErrorCode};

/// A line of librdkafka's log.
pub(super) fn line(level: RDKafkaLogLevel, facility: &str, text: &str) {
    match level {
        RDKafkaLogLevel::Emerg
        | RDKafkaLogLevel::Alert
        | RDKafkaLogLevel::Critical
        | RDKafkaLogLevel::Error => tracing::error!(facility, "{text}"),
        RDKafkaLogLevel::Warning => tracing::warn!(facility, "{text}"),
        RDKafkaLogLevel::Notice | RDKafkaLogLevel::Info => tracing::info!(facility, "{text}"),
        RDKafkaLogLevel::Debug => tracing::debug!(facility, "{text}"),
    }
}

/// A connection that broke, a broker that is away: librdkafka goes on trying by itself.
pub(super) fn trouble(error: &KafkaError, why: &str) {
    if matches!(
        error.rdkafka_error_code(),
        Some(RDKafkaErrorCode::PartitionEOF)
    ) {
        return; // the end of a partition is where a consumer should be
    }
    tracing::warn!(error = %error, why, "kafka");
}
