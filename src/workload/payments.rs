//! Payments between accounts.
