//! What a request says about a contact, and the valid details or changes made of it.

use super::{ContactDetails, ContactType};
use crate::{
    fields::{Fault, Field, FieldErrors, Patch},
    ids::ContactId,
    text::{Email, Name, Text, at_most},
};

/// The fields of a request to make or change a contact, as sent.
#[derive(Clone, Debug, Default)]
pub struct ContactDraft {
    /// `firstName`.
    pub first_name: Field<String>,
    /// `lastName`.
    pub last_name: Field<String>,
    /// `companyName`.
    pub company_name: Field<String>,
    /// `position`.
    pub position: Field<String>,
    /// `parentContactId`.
    pub parent_contact_id: Field<i64>,
    /// `email`.
    pub email: Field<String>,
    /// `phone`.
    pub phone: Field<String>,
    /// `mobile`.
    pub mobile: Field<String>,
    /// `website`.
    pub website: Field<String>,
    /// `notes`.
    pub notes: Field<String>,
    /// `type`.
    pub kind: Field<String>,
}

impl ContactDraft {
    /// The most characters of a name, the position and a telephone number.
    pub const MOST_CHARS: usize = 500;
    /// The most characters of the web site.
    pub const MOST_CHARS_OF_WEBSITE: usize = 2_000;
    /// The most characters of the notes: a page of the longest is some megabytes.
    pub const MOST_CHARS_OF_NOTES: usize = 10_000;
}

/// The valid changes of a contact.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ContactChanges {
    pub(super) first_name: Patch<Name>,
    pub(super) last_name: Patch<Name>,
    pub(super) company_name: Patch<Name>,
    pub(super) position: Patch<Text>,
    pub(super) parent: Patch<ContactId>,
    pub(super) email: Patch<Email>,
    pub(super) phone: Patch<Text>,
    pub(super) mobile: Patch<Text>,
    pub(super) website: Patch<Text>,
    pub(super) notes: Patch<Text>,
    pub(super) kind: Option<ContactType>,
}

impl ContactDetails {
    /// The details of a new contact, or everything that is wrong with them. `errors` holds what was found before.
    pub fn parse(mut draft: ContactDraft, mut errors: FieldErrors) -> Result<Self, FieldErrors> {
        let sent = std::mem::take(&mut draft.kind);
        let changes = ContactChanges::collect(draft, &mut errors);
        match (errors.required("type", sent, |text| contact_type(&text)), errors.is_empty()) {
            (Some(kind), true) => Ok(Self {
                first_name: changes.first_name.into_option(),
                last_name: changes.last_name.into_option(),
                company_name: changes.company_name.into_option(),
                position: changes.position.into_option(),
                parent: changes.parent.into_option(),
                email: changes.email.into_option(),
                phone: changes.phone.into_option(),
                mobile: changes.mobile.into_option(),
                website: changes.website.into_option(),
                notes: changes.notes.into_option(),
                kind,
            }),
            _ => Err(errors),
        }
    }
}

impl ContactChanges {
    /// The changes of a contact, or everything that is wrong with them. `errors` holds what was found before.
    pub fn parse(draft: ContactDraft, mut errors: FieldErrors) -> Result<Self, FieldErrors> {
        let changes = Self::collect(draft, &mut errors);
        errors.or(changes)
    }

    fn collect(draft: ContactDraft, errors: &mut FieldErrors) -> Self {
        Self {
            first_name: errors.optional("firstName", draft.first_name, at_most(ContactDraft::MOST_CHARS, Name::parse)),
            last_name: errors.optional("lastName", draft.last_name, at_most(ContactDraft::MOST_CHARS, Name::parse)),
            company_name: errors.optional(
                "companyName",
                draft.company_name,
                at_most(ContactDraft::MOST_CHARS, Name::parse),
            ),
            position: errors.optional("position", draft.position, at_most(ContactDraft::MOST_CHARS, Text::parse)),
            parent: errors.optional("parentContactId", draft.parent_contact_id, |id| {
                ContactId::new(id).ok_or_else(|| Fault::new("too_small", "Must be the id of a contact: 1 or more."))
            }),
            email: errors.optional("email", draft.email, Email::parse),
            phone: errors.optional("phone", draft.phone, at_most(ContactDraft::MOST_CHARS, Text::parse)),
            mobile: errors.optional("mobile", draft.mobile, at_most(ContactDraft::MOST_CHARS, Text::parse)),
            website: errors.optional(
                "website",
                draft.website,
                at_most(ContactDraft::MOST_CHARS_OF_WEBSITE, Text::parse),
            ),
            notes: errors.optional("notes", draft.notes, at_most(ContactDraft::MOST_CHARS_OF_NOTES, Text::parse)),
            kind: errors.non_null("type", draft.kind, |text| contact_type(&text)),
        }
    }
}

fn contact_type(text: &str) -> Result<ContactType, Fault> {
    text.parse().map_err(|_| {
        let known: Vec<_> = ContactType::ALL.iter().map(|t| t.as_str()).collect();
        Fault::new("invalid_value", format!("Must be one of {}.", known.join(", ")))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value(text: &str) -> Field<String> {
        Field::Value(text.to_owned())
    }

    #[test]
    fn a_company_name_and_a_type_are_enough() {
        let draft = ContactDraft { company_name: value("Acme"), kind: value("vendor"), ..ContactDraft::default() };
        let details = ContactDetails::parse(draft, FieldErrors::new()).expect("valid");
        assert_eq!(details.company_name.as_deref(), Some("Acme"));
        assert_eq!((details.kind, details.first_name), (ContactType::Vendor, None));
    }

    #[test]
    fn every_failing_field_is_named_at_once() {
        let draft = ContactDraft {
            first_name: value(""),
            email: value("nobody"),
            phone: value("1\u{0}2"),
            parent_contact_id: Field::Value(0),
            ..ContactDraft::default()
        };
        let before = FieldErrors::one("nam", Fault::new("unknown_field", "No such field."));
        let errors = ContactDetails::parse(draft, before).expect_err("five are wrong");
        let named: Vec<_> = errors.iter().map(|e| (e.field.as_str(), e.fault.code)).collect();
        assert_eq!(
            named,
            [
                ("nam", "unknown_field"),
                ("firstName", "too_short"),
                ("parentContactId", "too_small"),
                ("email", "invalid_format"),
                ("phone", "invalid_character"),
                ("type", "required"),
            ]
        );
    }

    #[test]
    fn texts_have_a_most() {
        type Set = fn(&mut ContactDraft, Field<String>);
        let fields: [(&str, usize, Set); 8] = [
            ("firstName", 500, |draft, text| draft.first_name = text),
            ("lastName", 500, |draft, text| draft.last_name = text),
            ("companyName", 500, |draft, text| draft.company_name = text),
            ("position", 500, |draft, text| draft.position = text),
            ("phone", 500, |draft, text| draft.phone = text),
            ("mobile", 500, |draft, text| draft.mobile = text),
            ("website", 2_000, |draft, text| draft.website = text),
            ("notes", 10_000, |draft, text| draft.notes = text),
        ];
        for (name, most, set) in fields {
            let parse = |length| {
                let mut draft = ContactDraft::default();
                // Characters, not bytes.
                set(&mut draft, Field::Value("é".repeat(length)));
                ContactChanges::parse(draft, FieldErrors::new())
            };
            assert!(parse(most).is_ok(), "{name}");
            let errors = parse(most + 1).expect_err(name);
            let [error] = errors.iter().collect::<Vec<_>>().try_into().expect("one");
            assert_eq!((error.field.as_str(), error.fault.code), (name, "too_long"));
            assert_eq!(error.fault.message, format!("Has {} characters; it may have at most {most}.", most + 1));
        }
    }

    #[test]
    fn a_change_may_clear_every_field_but_the_type() {
        let draft = ContactDraft { first_name: Field::Null, email: Field::Null, ..ContactDraft::default() };
        let changes = ContactChanges::parse(draft, FieldErrors::new()).expect("valid");
        assert_eq!((changes.first_name, changes.email, changes.kind), (Patch::Clear, Patch::Clear, None));
        let draft = ContactDraft { kind: Field::Null, ..ContactDraft::default() };
        let errors = ContactChanges::parse(draft, FieldErrors::new()).expect_err("the type stays");
        assert_eq!(errors.iter().map(|e| e.fault.code).collect::<Vec<_>>(), ["not_nullable"]);
    }
}
