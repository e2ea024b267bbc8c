//! Everything that may cross the wire: props of islands, live events, answers of actions, faults.
//!
//! To add a type: it names only what its readers may see; numbers are masked, people are names their colleagues
//! know, there is no row of a table here.

pub mod fault;
pub mod live;
pub mod map;
pub mod wallboard;

pub use fault::{Done, Fault, FaultKind};
