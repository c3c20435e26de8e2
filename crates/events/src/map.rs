//! `topics.yaml`, parsed: the map of every topic.
