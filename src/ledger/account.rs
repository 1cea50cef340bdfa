//! Balances and nonces.
