//! Who may see a page.

use bwp_domain::users::Permission;

/// Who may see a page, or send its form.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// Everybody.
    Anyone,
    /// Who is signed in, whether or not they have chosen a tenant.
    SignedIn,
    /// Who is signed in and acts as a user of a tenant.
    Member,
    /// A member whose role permits this.
    May(Permission),
}
