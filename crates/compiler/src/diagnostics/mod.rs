//! What is reported to the user: findings with their fixes, and the catalogue of rules.

mod catalogue;
mod finding;
mod fix;
mod located;
pub(crate) mod suggest;

pub use catalogue::{Rule, RuleId};
pub use finding::{Finding, Related, Severity, sort};
pub use fix::{Edit, Fix, Safety};
pub use located::Located;
pub use suggest::nearest;
