//! For tests, ours and authors': given/when/then, the simulated cluster, conformance suites.
