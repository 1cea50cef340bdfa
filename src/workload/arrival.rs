//! Arrival processes.
