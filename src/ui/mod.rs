//! What travels to or runs in a browser, and the parts that both sides draw with. See each room's head.

pub mod actions;
pub mod islands;
pub mod parts;
pub mod wire;
