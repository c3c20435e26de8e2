mod chat;
mod embeddings;
mod examples;
mod liar;
mod preference;
