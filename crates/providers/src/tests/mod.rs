mod chat;
mod embeddings;
mod examples;
mod held_out;
mod liar;
mod preference;
