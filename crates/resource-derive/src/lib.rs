//! `#[derive(Resource)]`: the description of a resource, from a plain struct.
//!
//! The struct's attributes are written down in the documentation of [`Resource`](derive@Resource). What the derive writes is
//! kept as golden files, under `tests/expanded`.

use proc_macro2::TokenStream;
use quote::quote;
use syn::{
    Attribute, Data, DeriveInput, Error, Expr, ExprLit, ExprUnary, Fields, Ident, Lit, LitInt, LitStr, Meta, Path,
    Type, UnOp,
};

/// Describes a struct with named fields as a resource.
///
/// Of the struct, `#[resource(…)]`:
/// - `one = "lead stage"`: what people call one; `many`, unless it ends in `s`, and `table`, unless it is `many` with underscores.
/// - `events = "lead"`: that others are told of `lead.created` and so on.
/// - `read(LeadsRead)`, `write(…)`, `delete(…)`: the scopes that each use needs.
/// - `in_turn`: that changes of one tenant's rows are made one after another, for rules that look at all of them.
/// - `asks`: that its changes lock what they read, for rules that read other rows: see `Command::asks`.
/// - `without_created`: that nobody is told of new ones.
/// - `without_updated_at`: that answers do not show when it was last changed.
/// - `shows("lineItems")`: what answers show of it that is no field. Bodies may repeat that, without effect.
///
/// Of a field, `#[field(…)]`:
/// - `name = "type"`: its public name, unless it is the struct's in camelCase; `column`, unless it is the struct's.
/// - `least = 1`, `most = 500`: its bounds; of a number with decimals also `0.25` or `-90`. Of a list of texts, `most` texts of `each`
///   characters.
/// - `default = "planning"`: what it holds when it is not sent. A field without one that cannot be null is required.
/// - `required`: that a request that makes one must send it, though it may send `null`.
/// - `automatic`: that a new one gets it from the family's rules when `null` or nothing is sent, and it is never empty after that.
/// - `renewed`: that a change which sends `null` or an empty text for an `automatic` field gets it so too.
/// - `unique`, `unique = "projectId"`: that no other live row of the tenant, or of those with the same value there, holds the same text,
///   in any case. Such a family `asks`.
/// - `signed`: that a number with decimals may be less than nothing.
/// - `text`, `either`, `number`: that requests write a number with decimals as a string alone, or as a number too.
/// - `range`: that `dateFrom` and `dateTo` of lists bound it, and not the time of creation.
/// - `skips_null`: that a request may send `null` for it, which a change passes over, and for which a new one gets it from the family's
///   rules. It is never empty, and a request that makes one must name it all the same.
/// - `also = "notes"`: a second name of the same field: requests may send either, and answers that are not compact show both.
/// - `minor`: that compact lists leave it out.
/// - `ignored`: that the server sets it and ignores what is sent; `read_only = "…"`: that it refuses another value, saying this.
/// - `once`: that a request that makes one sets it, and one that changes it does not: it is ignored there.
/// - `always`: that a request that changes one must send it.
/// - `refers = LeadStage`: the rows that it names.
/// - `filter`, `filter = "parameter"`: that lists are filtered by it; `search`: that a search looks into it.
/// - `filter_any = "all"`: the word of the filter that stands for any value; `filter_flag = "kit: isKit"`: the one that asks for rows
///   for which another field says yes.
/// - `example = "…"`: a value.
#[proc_macro_derive(Resource, attributes(resource, field))]
pub fn resource(input: proc_macro::TokenStream) -> proc_macro::TokenStream {
    let input = syn::parse_macro_input!(input as DeriveInput);
    expand(&input).unwrap_or_else(Error::into_compile_error).into()
}

fn expand(input: &DeriveInput) -> Result<TokenStream, Error> {
    let Data::Struct(data) = &input.data else {
        return Err(Error::new_spanned(&input.ident, "a resource is a struct"));
    };
    let Fields::Named(named) = &data.fields else {
        return Err(Error::new_spanned(&input.ident, "a resource has named fields"));
    };
    let about = About::read(input)?;
    let fields = named.named.iter().map(FieldAbout::read).collect::<Result<Vec<_>, _>>()?;
    if fields.len() > 64 {
        return Err(Error::new_spanned(&input.ident, "a resource has at most 64 fields"));
    }
    let (shape, name) = (about.shape(&fields), &input.ident);
    let (one, table) = (&about.one, &about.table);
    let searched = fields.iter().filter(|field| field.search && field.refers.is_none()).map(|field| &field.column);
    let idents: Vec<_> = fields.iter().map(|field| &field.ident).collect();
    let places = 0..idents.len();
    Ok(quote! {
        const _: () = {
            use ::bwp_domain::resource::{self, FieldType, Value};

            static SHAPE: resource::Shape = #shape;

            impl resource::Referable for #name {
                const REFERENCE: &'static resource::Reference = &resource::Reference {
                    one: #one,
                    table: #table,
                    column: "id",
                    ended: Some("deleted_at"),
                    shape: Some(|| &SHAPE),
                    searched: &[#(#searched),*],
                };
            }

            impl resource::Resource for #name {
                const SHAPE: &'static resource::Shape = &SHAPE;

                fn to_values(&self) -> Vec<Value<'_>> {
                    vec![#(FieldType::to_value(&self.#idents)),*]
                }

                fn from_values(values: Vec<Value<'_>>) -> ::core::result::Result<Self, usize> {
                    let mut values = values.into_iter();
                    let mut next = || values.next().unwrap_or_default();
                    Ok(Self { #(#idents: FieldType::from_value(next()).ok_or(#places as usize)?),* })
                }
            }
        };
    })
}

/// What the struct's attributes say.
#[expect(clippy::struct_excessive_bools, reason = "each is a word of its own in the attribute")]
struct About {
    name: String,
    doc: String,
    one: String,
    many: String,
    table: String,
    events: Option<String>,
    in_turn: bool,
    asks: bool,
    tells_created: bool,
    shows_updated_at: bool,
    shows: Vec<LitStr>,
    scopes: [Vec<Ident>; 3],
}

impl About {
    fn read(input: &DeriveInput) -> Result<Self, Error> {
        let (mut one, mut many, mut table, mut events) = (None, None, None, None);
        let (mut in_turn, mut asks, mut shows_updated_at, mut tells_created) = (false, false, true, true);
        let (mut shows, mut scopes): (Vec<LitStr>, [Vec<Ident>; 3]) = Default::default();
        for attribute in input.attrs.iter().filter(|attribute| attribute.path().is_ident("resource")) {
            attribute.parse_nested_meta(|meta| {
                let word = meta.path.require_ident()?.to_string();
                let text = || meta.value()?.parse::<LitStr>().map(|text| Some(text.value()));
                match word.as_str() {
                    "one" => one = text()?,
                    "many" => many = text()?,
                    "table" => table = text()?,
                    "events" => events = text()?,
                    "in_turn" => in_turn = true,
                    "asks" => asks = true,
                    "without_created" => tells_created = false,
                    "without_updated_at" => shows_updated_at = false,
                    "shows" => {
                        let list;
                        syn::parenthesized!(list in meta.input);
                        shows.extend(list.parse_terminated(<LitStr as syn::parse::Parse>::parse, syn::Token![,])?);
                    }
                    "read" | "write" | "delete" => {
                        let list =
                            &mut scopes[["read", "write", "delete"].iter().position(|w| *w == word).unwrap_or(0)];
                        meta.parse_nested_meta(|scope| {
                            list.push(scope.path.require_ident()?.clone());
                            Ok(())
                        })?;
                    }
                    _ => return Err(meta.error("unknown: see the documentation of the derive")),
                }
                Ok(())
            })?;
        }
        let one = one.ok_or_else(|| Error::new_spanned(&input.ident, "say `#[resource(one = \"…\")]`"))?;
        let many = many.unwrap_or_else(|| format!("{one}s"));
        let table = table.unwrap_or_else(|| many.replace(' ', "_"));
        let name = input.ident.to_string();
        let doc = doc(&input.attrs);
        Ok(Self { name, doc, one, many, table, events, in_turn, asks, tells_created, shows_updated_at, shows, scopes })
    }

    fn shape(&self, fields: &[FieldAbout]) -> TokenStream {
        let Self { name, doc, one, many, table, events, in_turn, asks, tells_created, shows_updated_at, shows, scopes } =
            self;
        let [read, write, delete] = scopes;
        let events = match events {
            None => quote!(None),
            Some(one) => {
                let [created, updated, deleted] = ["created", "updated", "deleted"].map(|what| format!("{one}.{what}"));
                quote!(Some(resource::Events { created: #created, updated: #updated, deleted: #deleted }))
            }
        };
        let fields = fields.iter().map(FieldAbout::field);
        quote! {
            resource::Shape {
                one: #one,
                many: #many,
                name: #name,
                doc: #doc,
                table: #table,
                events: #events,
                version: 1,
                fields: &[#(#fields),*],
                in_turn: #in_turn,
                asks: #asks,
                tells_created: #tells_created,
                shows_updated_at: #shows_updated_at,
                shows: &[#(#shows),*],
                scopes: resource::Scopes {
                    read: &[#(::bwp_domain::scopes::ScopeId::#read),*],
                    write: &[#(::bwp_domain::scopes::ScopeId::#write),*],
                    delete: &[#(::bwp_domain::scopes::ScopeId::#delete),*],
                },
            }
        }
    }
}

/// What a field's attributes say.
#[expect(clippy::struct_excessive_bools, reason = "each is an attribute that is there or not")]
struct FieldAbout {
    ident: Ident,
    ty: Type,
    doc: String,
    name: String,
    column: String,
    least: Option<TokenStream>,
    most: Option<TokenStream>,
    default: Option<TokenStream>,
    access: TokenStream,
    settable: bool,
    required: bool,
    minor: bool,
    automatic: bool,
    renewed: bool,
    unique: Option<TokenStream>,
    always: bool,
    signed: bool,
    skips_null: bool,
    also: Option<String>,
    written: Option<TokenStream>,
    each: Option<TokenStream>,
    range: bool,
    refers: Option<Path>,
    filter: Option<String>,
    filter_any: Option<String>,
    filter_flag: Option<TokenStream>,
    search: bool,
    example: Option<String>,
}

impl FieldAbout {
    #[expect(clippy::too_many_lines, reason = "one arm for each word that a field may have")]
    fn read(field: &syn::Field) -> Result<Self, Error> {
        let ident = field.ident.clone().ok_or_else(|| Error::new_spanned(field, "a field has a name"))?;
        let column = ident.to_string().trim_start_matches("r#").to_owned();
        let mut about = Self {
            ty: field.ty.clone(),
            doc: doc(&field.attrs),
            name: camel_case(&column),
            column,
            ident,
            least: None,
            most: None,
            default: None,
            access: quote!(resource::Access::Settable),
            settable: true,
            required: false,
            minor: false,
            automatic: false,
            renewed: false,
            unique: None,
            always: false,
            signed: false,
            skips_null: false,
            also: None,
            written: None,
            each: None,
            range: false,
            refers: None,
            filter: None,
            filter_any: None,
            filter_flag: None,
            search: false,
            example: None,
        };
        for attribute in field.attrs.iter().filter(|attribute| attribute.path().is_ident("field")) {
            attribute.parse_nested_meta(|meta| {
                let word = meta.path.require_ident()?.to_string();
                let text = || meta.value()?.parse::<LitStr>().map(|text| text.value());
                let bound = || bound(&meta.value()?.parse()?).map(Some);
                match word.as_str() {
                    "name" => about.name = text()?,
                    "column" => about.column = text()?,
                    "least" => about.least = bound()?,
                    "most" => about.most = bound()?,
                    "default" => about.default = Some(literal(&meta.value()?.parse()?)?),
                    "required" => about.required = true,
                    "minor" => about.minor = true,
                    "automatic" => {
                        about.automatic = true;
                        let ty = &about.ty;
                        about.default = Some(quote! {
                            if <#ty as FieldType>::NULLABLE {
                                Value::Null
                            } else {
                                Value::Text(::std::borrow::Cow::Borrowed(""))
                            }
                        });
                    }
                    "renewed" => about.renewed = true,
                    "unique" if meta.input.peek(syn::Token![=]) => {
                        let within = text()?;
                        about.unique = Some(quote!(&[#within]));
                    }
                    "unique" => about.unique = Some(quote!(&[])),
                    "signed" => about.signed = true,
                    "text" => about.written = Some(quote!(resource::Written::Text)),
                    "either" => about.written = Some(quote!(resource::Written::Either)),
                    "number" => about.written = Some(quote!(resource::Written::Number)),
                    "each" => about.each = meta.value()?.parse::<LitInt>().map(|most| Some(quote!(#most)))?,
                    "range" => about.range = true,
                    "skips_null" => about.skips_null = true,
                    "also" => about.also = Some(text()?),
                    "ignored" => {
                        about.settable = false;
                        about.access = quote!(resource::Access::Ignored);
                    }
                    "once" => about.access = quote!(resource::Access::Once),
                    "always" => about.always = true,
                    "read_only" => {
                        let instead = text()?;
                        about.settable = false;
                        about.access = quote!(resource::Access::ReadOnly(#instead));
                    }
                    "refers" => about.refers = Some(meta.value()?.parse()?),
                    "filter" if meta.input.peek(syn::Token![=]) => about.filter = Some(text()?),
                    "filter" => about.filter = Some(String::new()),
                    "filter_any" => about.filter_any = Some(text()?),
                    "filter_flag" => {
                        let said = text()?;
                        let (word, flag) =
                            said.split_once(": ").ok_or_else(|| meta.error("say `filter_flag = \"word: field\"`"))?;
                        about.filter_flag = Some(quote!((#word, #flag)));
                    }
                    "search" => about.search = true,
                    "example" => about.example = Some(text()?),
                    _ => return Err(meta.error("unknown: see the documentation of the derive")),
                }
                Ok(())
            })?;
        }
        if about.filter.as_deref() == Some("") {
            about.filter = Some(about.name.clone());
        }
        Ok(about)
    }

    fn field(&self) -> TokenStream {
        let Self { ty, doc, name, column, access, search, range, skips_null, .. } = self;
        let also = option(self.also.as_ref());
        let required = if self.required {
            quote!(true)
        } else if self.default.is_some() || !self.settable {
            quote!(false)
        } else {
            quote!(!<#ty as FieldType>::NULLABLE)
        };
        let default = match &self.default {
            Some(default) => default.clone(),
            None if self.skips_null => quote!(<#ty as FieldType>::KIND.blank()),
            None => quote!(Value::Null),
        };
        let (least, most) = (option(self.least.as_ref()), option(self.most.as_ref()));
        let refers = option(self.refers.as_ref().map(|to| quote!(<#to as resource::Referable>::REFERENCE)).as_ref());
        let (filter, example) = (option(self.filter.as_ref()), option(self.example.as_ref()));
        let (filter_any, filter_flag) = (option(self.filter_any.as_ref()), option(self.filter_flag.as_ref()));
        let (compact, automatic, renewed, always) = (!self.minor, self.automatic, self.renewed, self.always);
        let unique = option(self.unique.as_ref());
        let signed = self.signed.then(|| quote!(.signed()));
        let written = self.written.as_ref().map(|written| quote!(.written(#written)));
        let each = self.each.as_ref().map(|each| quote!(.each(#each)));
        quote! {
            resource::Field {
                name: #name,
                also: #also,
                column: #column,
                kind: <#ty as FieldType>::KIND.bounded(#least, #most)#signed #written #each,
                nullable: <#ty as FieldType>::NULLABLE,
                required: #required,
                automatic: #automatic,
                renewed: #renewed,
                unique: #unique,
                skips_null: #skips_null,
                always: #always,
                default: #default,
                access: #access,
                compact: #compact,
                refers: #refers,
                filter: #filter,
                filter_any: #filter_any,
                filter_flag: #filter_flag,
                search: #search,
                range: #range,
                doc: #doc,
                example: #example,
            }
        }
    }
}

fn option<T: quote::ToTokens>(value: Option<&T>) -> TokenStream {
    value.map_or_else(|| quote!(None), |value| quote!(Some(#value)))
}

/// The value that a literal is.
fn literal(expression: &Expr) -> Result<TokenStream, Error> {
    match expression {
        Expr::Lit(ExprLit { lit: Lit::Str(text), .. }) => Ok(quote!(Value::Text(::std::borrow::Cow::Borrowed(#text)))),
        Expr::Lit(ExprLit { lit: Lit::Bool(bool), .. }) => Ok(quote!(Value::Bool(#bool))),
        Expr::Lit(ExprLit { lit: Lit::Int(number), .. }) => Ok(quote!(Value::Integer(#number))),
        Expr::Lit(ExprLit { lit: Lit::Float(number), .. }) => {
            let Digits { units, places } = digits(number.base10_digits(), number)?;
            let units = u32::try_from(units).map_err(|_| Error::new_spanned(number, "too many digits"))?;
            Ok(quote!(Value::Decimal(resource::Decimal::from_parts(#units, 0, 0, false, #places))))
        }
        Expr::Array(array) if array.elems.is_empty() => Ok(quote!(Value::Texts(Vec::new()))),
        other => Err(Error::new_spanned(other, "a default is a text, a number, true, false or []")),
    }
}

/// The bound that a number is, which may be negative and have decimals.
fn bound(expression: &Expr) -> Result<TokenStream, Error> {
    let (number, sign) = match expression {
        Expr::Unary(ExprUnary { op: UnOp::Neg(_), expr, .. }) => (&**expr, -1),
        other => (other, 1),
    };
    let text = match number {
        Expr::Lit(ExprLit { lit: Lit::Int(number), .. }) => number.base10_digits().to_owned(),
        Expr::Lit(ExprLit { lit: Lit::Float(number), .. }) => number.base10_digits().to_owned(),
        other => return Err(Error::new_spanned(other, "a bound is a number")),
    };
    let Digits { units, places } = digits(&text, number)?;
    let units = units * sign;
    Ok(quote!(resource::Bound::new(#units, #places)))
}

/// A number, as so many units of its last place.
struct Digits {
    units: i64,
    places: u32,
}

fn digits(text: &str, at: &impl quote::ToTokens) -> Result<Digits, Error> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let wrong = || Error::new_spanned(at, "a number of at most 18 digits");
    let units = format!("{whole}{fraction}").parse().map_err(|_| wrong())?;
    Ok(Digits { units, places: u32::try_from(fraction.len()).map_err(|_| wrong())? })
}

/// The text of doc comments, its lines joined.
fn doc(attributes: &[Attribute]) -> String {
    let lines = attributes.iter().filter_map(|attribute| match &attribute.meta {
        Meta::NameValue(pair) if pair.path.is_ident("doc") => match &pair.value {
            Expr::Lit(ExprLit { lit: Lit::Str(line), .. }) => Some(line.value().trim().to_owned()),
            _ => None,
        },
        _ => None,
    });
    lines.collect::<Vec<_>>().join(" ").trim().to_owned()
}

fn camel_case(name: &str) -> String {
    let mut words = name.split('_').filter(|word| !word.is_empty());
    let first = words.next().unwrap_or_default().to_owned();
    words.fold(first, |name, word| {
        let mut letters = word.chars();
        let capital = letters.next().into_iter().flat_map(char::to_uppercase);
        name.chars().chain(capital).chain(letters).collect()
    })
}

#[cfg(test)]
mod tests {
    use std::{env, fs, path::Path};

    use super::expand;

    /// What the derive writes is kept, so that a reader sees it: `tests/expanded/NAME.rs` for the struct in `tests/structs/NAME.rs`.
    /// With `BWP_UPDATE_GENERATED=1` the files are written anew.
    #[test]
    fn what_is_written_is_what_is_kept() {
        let tests = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests");
        for entry in fs::read_dir(tests.join("structs")).expect("a folder") {
            let source = entry.expect("an entry").path();
            let text = fs::read_to_string(&source).expect("a text");
            let written = expand(&syn::parse_str(&text).expect("a struct")).expect("a resource");
            let written = prettyplease::unparse(&syn::parse2(written).expect("a file"));
            let kept = tests.join("expanded").join(source.file_name().expect("a name"));
            if env::var_os("BWP_UPDATE_GENERATED").is_some() {
                fs::write(&kept, &written).expect("written");
            }
            let expected = fs::read_to_string(&kept).unwrap_or_default();
            assert_eq!(written, expected, "{}: write it anew with BWP_UPDATE_GENERATED=1", kept.display());
        }
    }

    #[test]
    fn what_is_no_resource_is_told_where_it_stands() {
        for (text, told) in [
            ("#[resource(one = \"car\")] enum Car {}", "a resource is a struct"),
            ("#[resource(one = \"car\")] struct Car(i64);", "a resource has named fields"),
            ("struct Car { doors: i64 }", "say `#[resource(one = \"…\")]`"),
            (
                "#[resource(one = \"car\", colour)] struct Car { doors: i64 }",
                "unknown: see the documentation of the derive",
            ),
            (
                "#[resource(one = \"car\")] struct Car { #[field(big)] doors: i64 }",
                "unknown: see the documentation of the derive",
            ),
            ("#[resource(one = \"car\")] struct Car { #[field(most = x)] doors: i64 }", "a bound is a number"),
            (
                "#[resource(one = \"car\")] struct Car { #[field(default = None)] doors: i64 }",
                "a default is a text, a number, true, false or []",
            ),
        ] {
            let error = expand(&syn::parse_str(text).expect("a struct")).expect_err("no resource");
            assert_eq!(error.to_string(), told, "{text}");
        }
    }
}
