//! chatbots
