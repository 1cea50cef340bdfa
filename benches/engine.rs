//! What the hot parts of the engine cost.

fn main() {}
