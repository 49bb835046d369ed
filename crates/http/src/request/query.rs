//! Query parameters: each is declared once, and read, checked and documented from that.

use std::collections::HashMap;

use bwp_domain::fields::{Fault, FieldErrors};
use percent_encoding::percent_decode_str;
use serde_json::{Value, json};

use super::{Call, Extract};
use crate::{
    openapi,
    problem::{ErrorCode, Problem},
};

/// One parameter: its name, its meaning, and how its text is read.
pub(crate) struct Param<T> {
    pub(crate) name: &'static str,
    pub(crate) description: &'static str,
    pub(crate) schema: fn() -> Value,
    /// The value, or what to send instead.
    pub(crate) parse: fn(&str) -> Result<T, String>,
}

/// The parameters of an operation.
pub(crate) trait QueryParams: Sized + 'static {
    /// With which code a bad value is answered.
    const REFUSAL: ErrorCode = ErrorCode::BadRequest;

    /// Takes each parameter that there is. This is also how the parameters become known: it is run on nothing.
    fn read(values: &mut Values) -> Self;
}

/// The parameters of a request, as they are read.
pub(crate) struct Values {
    sent: HashMap<String, String>,
    errors: FieldErrors,
    known: Vec<&'static str>,
    /// What the document says of each, where that is what they are read for.
    described: Option<Vec<Value>>,
}

impl Values {
    /// The parameter's value, if it was sent and is good. One that is empty counts as left out.
    pub(crate) fn take<T>(&mut self, param: &Param<T>) -> Option<T> {
        self.take_by(param.name, || (param.description.to_owned(), (param.schema)()), param.parse)
    }

    /// Like [`take`](Self::take), for a parameter that may be left out by the text `null` too.
    pub(crate) fn take_unless_null<T>(&mut self, param: &Param<T>) -> Option<T> {
        if self.sent.get(param.name).is_some_and(|text| text == "null") {
            self.sent.remove(param.name);
        }
        self.take(param)
    }

    /// Refuses a parameter for what it is beside others.
    pub(crate) fn refuse(&mut self, name: &str, fault: Fault) {
        self.errors.push(name, fault);
    }

    /// Like [`take`](Self::take), for a parameter that must be sent.
    pub(crate) fn require<T>(&mut self, param: &Param<T>) -> Option<T> {
        let missing = self.described.is_none() && !self.sent.contains_key(param.name);
        let value = self.take(param);
        if missing {
            self.errors.push(param.name, Fault::new("required", "This parameter is required."));
        }
        if let Some(described) = self.described.as_mut().and_then(|described| described.last_mut()) {
            described["required"] = json!(true);
        }
        value
    }

    /// Like [`take`](Self::take), for a parameter whose meaning and schema are made for the document alone.
    pub(crate) fn take_by<T>(
        &mut self,
        name: &'static str,
        describe: impl FnOnce() -> (String, Value),
        parse: impl FnOnce(&str) -> Result<T, String>,
    ) -> Option<T> {
        self.known.push(name);
        if let Some(described) = &mut self.described {
            let (description, schema) = describe();
            described.push(json!({
                "name": name,
                "in": "query",
                "required": false,
                "description": description,
                "schema": schema,
            }));
        }
        // Clients that build the query from a form send what was not filled in as an empty text.
        let text = self.sent.remove(name).filter(|text| !text.is_empty())?;
        match parse(&text) {
            Ok(value) => Some(value),
            Err(message) => {
                self.errors.push(name, Fault::new("invalid_value", message));
                None
            }
        }
    }
}

/// The query of a request, every parameter good.
pub(crate) struct Query<T>(pub(crate) T);

impl<T: QueryParams> Extract for Query<T> {
    async fn extract(call: &mut Call<'_>) -> Result<Self, Problem> {
        parse(call.request.query_string()).map(Self)
    }

    fn describe(input: &mut openapi::Input) {
        input.parameters.extend(describe(T::read));
        input.query_refusal = Some(T::REFUSAL);
    }
}

/// The query of a request, as it came: for an operation whose parameters come from a description, by [`read`].
pub(crate) struct AnyQuery(pub(crate) String);

impl Extract for AnyQuery {
    async fn extract(call: &mut Call<'_>) -> Result<Self, Problem> {
        Ok(Self(call.request.query_string().to_owned()))
    }

    fn describe(input: &mut openapi::Input) {
        input.query_refusal = Some(ErrorCode::BadRequest);
    }
}

/// Yes or no, as the libraries of clients write it: in any case, or as 1 or 0.
pub(crate) fn boolean(text: &str) -> Result<bool, String> {
    let is = |word: &str| text.eq_ignore_ascii_case(word);
    match text {
        "1" => Ok(true),
        "0" => Ok(false),
        _ if is("true") => Ok(true),
        _ if is("false") => Ok(false),
        _ => Err("Send true or false.".to_owned()),
    }
}

/// What the document says of the parameters that `read` takes.
pub(crate) fn describe<T>(read: impl FnOnce(&mut Values) -> T) -> Vec<Value> {
    let mut values =
        Values { sent: HashMap::new(), errors: FieldErrors::new(), known: Vec::new(), described: Some(Vec::new()) };
    read(&mut values);
    values.described.unwrap_or_default()
}

fn parse<T: QueryParams>(query: &str) -> Result<T, Problem> {
    read(query, T::REFUSAL, T::read)
}

/// What `read` makes of the parameters in `query`, each of which must be good and one that it takes.
pub(crate) fn read<T>(query: &str, refusal: ErrorCode, read: impl FnOnce(&mut Values) -> T) -> Result<T, Problem> {
    let mut names = FieldErrors::new();
    let mut sent = HashMap::new();
    for pair in query.split('&').filter(|pair| !is_well_encoded(pair)) {
        let name = form_urlencoded::parse(pair.as_bytes()).next().map(|(name, _)| name).unwrap_or_default();
        let fix = "Send it as UTF-8, each byte that is no letter or digit as % and two hexadecimal digits.";
        names.push(name, Fault::new("invalid_encoding", fix));
    }
    for (name, value) in form_urlencoded::parse(query.as_bytes()) {
        if sent.insert(name.clone().into_owned(), value.into_owned()).is_some() {
            names.push(name, Fault::new("repeated", "Send this parameter once."));
        }
    }
    let mut values = Values { sent, errors: FieldErrors::new(), known: Vec::new(), described: None };
    let read = read(&mut values);
    let mut unknown: Vec<&String> = values.sent.keys().collect();
    unknown.sort();
    for name in unknown {
        names.push_with(name, || Fault::new("unknown_parameter", unknown_parameter(name, &values.known)));
    }
    if !names.is_empty() {
        names.extend(values.errors);
        return Err(refuse(ErrorCode::BadRequest, names));
    }
    if values.errors.is_empty() { Ok(read) } else { Err(refuse(refusal, values.errors)) }
}

/// Whether a part of a query is what it seems: each `%` begins a byte (RFC 3986, section 2.1), and the bytes are UTF-8. The
/// parser of forms would take the one for itself, and put U+FFFD for the other.
fn is_well_encoded(text: &str) -> bool {
    let is_byte =
        |after: &str| after.as_bytes().first_chunk::<2>().is_some_and(|two| two.iter().all(u8::is_ascii_hexdigit));
    text.split('%').skip(1).all(is_byte) && percent_decode_str(text).decode_utf8().is_ok()
}

/// An operation without parameters takes none.
#[derive(Debug)]
pub(crate) struct NoQuery;

impl QueryParams for NoQuery {
    fn read(_values: &mut Values) -> Self {
        Self
    }
}

/// Refuses every parameter.
pub(crate) fn refuse_any(query: &str) -> Result<(), Problem> {
    if query.is_empty() { Ok(()) } else { parse::<NoQuery>(query).map(|_| ()) }
}

fn refuse(code: ErrorCode, errors: FieldErrors) -> Problem {
    if code == ErrorCode::ValidationFailed { Problem::invalid(errors) } else { Problem::new(code, errors.to_string()) }
}

fn unknown_parameter(name: &str, known: &[&'static str]) -> String {
    match openapi::fields::nearest(name, known.iter().copied()) {
        Some(near) => format!("There is no such parameter. Did you mean `{near}`?"),
        None => "There is no such parameter.".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use bwp_domain::{contacts::Contact, resource::Resource};
    use proptest::prelude::*;

    use super::*;
    use crate::{
        paging::PageParams,
        problem::MOST_BYTES,
        resource::{Lists, filter},
    };

    /// What becomes of the query of a list.
    fn listing(query: &str) -> Result<(), Problem> {
        read(query, ErrorCode::BadRequest, |values| {
            PageParams::read(values);
            filter(Contact::SHAPE, Lists::Created, values);
        })
    }

    fn refusal(query: &str) -> usize {
        listing(query).map_or_else(Problem::bytes, |()| 0)
    }

    proptest! {
        #[test]
        fn a_refusal_is_bounded_whatever_the_query_is(
            parts in prop::collection::vec(("[a-z%&=+\u{1}\"]{0,40}|limit=|cursor=|search=|\\PC{0,40}", 1_usize..400), 0..8),
        ) {
            let query: String = parts.iter().map(|(part, times)| part.repeat(*times)).collect();
            prop_assert!(refusal(&query) <= MOST_BYTES);
        }
    }

    #[test]
    fn what_is_left_out_is_counted() {
        let problem = listing(&"%&".repeat(4_096)).expect_err("a percent sign alone");
        assert!(problem.detail().ends_with(" more."), "{}", problem.detail());
        assert!(problem.bytes() <= MOST_BYTES);
    }
}
