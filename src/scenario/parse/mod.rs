//! Reading: texts, their places, the ways in which values are written, and what is wrong with them.

pub mod error;
mod form;
pub mod name;
mod nearest;
pub mod spanned_toml;
pub mod spelling;

pub use form::syntax;
