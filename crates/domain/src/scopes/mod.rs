//! Scopes: what a credential may do.

mod catalogue;
mod set;

pub use catalogue::{ScopeGroup, ScopeId, UnknownScope};
pub use set::ScopeSet;
