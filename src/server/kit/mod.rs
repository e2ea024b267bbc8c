//! What comes from outside the program and is therefore a parameter: time, randomness, other people's servers.
//!
//! Nothing else in the product asks the operating system for them (clippy.toml forbids it).

pub mod address;
pub mod agent;
pub mod clock;
pub mod entropy;
pub mod outbound;
pub mod tls;

pub use clock::{At, Clock};
pub use entropy::Entropy;
