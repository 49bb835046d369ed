//! Rows, summed up: how many there are and what they come to, in all and of each value of a field.

use std::{cmp::Reverse, future::Future, pin::Pin};

use super::{
    Filter, Kind, Shape, Value,
    ports::{RowReader, Sum},
};
use crate::{clock::Timestamp, ids::TenantId, store::StoreError};

/// How the rows of a family are summed up.
pub struct Summary {
    /// The fields, by their public names, of which a caller may ask for one value, besides the times of creation.
    pub filters: &'static [&'static str],
    /// What is told of all rows besides how many there are, in this order.
    pub totals: &'static [Total],
    /// What is told of the rows of each value of a field, in this order.
    pub groups: &'static [Group],
}

/// One number about all rows.
pub struct Total {
    /// Its name.
    pub name: &'static str,
    /// Its meaning, in a sentence.
    pub doc: &'static str,
    /// Where it comes from.
    pub of: Of,
}

/// Where a total comes from.
pub enum Of {
    /// The sum of the field of this public name; each line of a group has it too. A row without a value counts as 0.
    Sum(&'static str),
    /// An amount that is found otherwise.
    Amount(Find),
    /// A number of rows that is found otherwise.
    Count(Find),
}

/// Finds a number about the rows that fit.
pub type Find = for<'a> fn(Asked<'a>) -> Found<'a>;
/// What is found.
pub type Found<'a> = Pin<Box<dyn Future<Output = Result<Value<'static>, StoreError>> + Send + 'a>>;

/// What is asked for.
#[derive(Clone, Copy)]
pub struct Asked<'a> {
    /// Where rows are read.
    pub rows: &'a dyn RowReader,
    /// Whose rows.
    pub tenant: TenantId,
    /// Which of them.
    pub filter: &'a Filter,
    /// The day that it is at the tenant's.
    pub today: Timestamp,
}

/// Rows that are told apart by what one field holds.
///
/// Values that a row holds have a line, and words that always have one. Words come in their order, and ids in that of the rows that they
/// name; of others those with the most rows come first. `null` comes last.
pub struct Group {
    /// The name of the list.
    pub name: &'static str,
    /// The name of the value in each line.
    pub value: &'static str,
    /// The field's public name.
    pub field: &'static str,
    /// What a line shows of the row that the field names.
    pub named: Option<Named>,
    /// The words that have a line even where no row holds them.
    pub always: &'static [&'static str],
}

/// What a line shows of a row that its value is the id of.
pub struct Named {
    /// The name of what is shown.
    pub name: &'static str,
    /// What the row is.
    pub shape: &'static Shape,
    /// The field that is shown, by its public name.
    pub field: &'static str,
    /// The field whose values order the lines, by its public name.
    pub order: &'static str,
}

impl Total {
    /// The sum of a field.
    pub const fn sum(name: &'static str, field: &'static str, doc: &'static str) -> Self {
        Self { name, doc, of: Of::Sum(field) }
    }
}

impl Group {
    /// By a field whose values are shown under `value`.
    pub const fn by(name: &'static str, value: &'static str, field: &'static str) -> Self {
        Self { name, value, field, named: None, always: &[] }
    }

    /// These words have a line even where no row holds them.
    #[must_use]
    pub const fn always(self, always: &'static [&'static str]) -> Self {
        Self { always, ..self }
    }

    /// Lines show a field of the row that their value names, and come in the order of another one.
    #[must_use]
    pub const fn naming(self, named: Named) -> Self {
        Self { named: Some(named), ..self }
    }
}

/// Rows that were summed up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Summed {
    /// How many there are.
    pub count: i64,
    /// The totals, in the order of the [`Summary`].
    pub totals: Vec<Value<'static>>,
    /// The lines of each group, in the order of the [`Summary`].
    pub groups: Vec<Vec<Line>>,
}

/// The rows of one value, summed up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// The value.
    pub value: Value<'static>,
    /// What is shown of the row that it names. Nothing if there is no such row any more.
    pub named: Value<'static>,
    /// How many there are.
    pub count: i64,
    /// The sums, in the order of the [`Summary`].
    pub sums: Vec<Value<'static>>,
}

impl Summary {
    /// The sums over fields among the totals.
    pub fn sums(&self) -> impl Iterator<Item = (&'static Total, &'static str)> {
        self.totals.iter().filter_map(|total| if let Of::Sum(field) = total.of { Some((total, field)) } else { None })
    }

    /// Sums up the rows of `shape` that fit.
    pub async fn of(&self, shape: &'static Shape, asked: Asked<'_>) -> Result<Summed, StoreError> {
        let place = |name| {
            let none = || StoreError::Internal(format!("{} have no field `{name}`", shape.many));
            shape.field(name).map(|(at, _)| at).ok_or_else(none)
        };
        let groups = self.groups.iter().map(|group| place(group.field)).collect::<Result<Vec<_>, _>>()?;
        let sums = self.sums().map(|(_, field)| place(field)).collect::<Result<Vec<_>, _>>()?;
        let lines = asked.rows.sums(asked.tenant, shape, asked.filter, &groups, &sums).await?;
        let all = Sum::total(&lines, sums.len());
        let mut summed = all.sums.iter().copied().map(Value::Decimal);
        let mut totals = Vec::new();
        for total in self.totals {
            totals.push(match total.of {
                Of::Sum(_) => summed.next().unwrap_or_default(),
                Of::Amount(find) | Of::Count(find) => find(asked).await?,
            });
        }
        let mut by_group = Vec::new();
        for (at, (group, field)) in self.groups.iter().zip(groups).enumerate() {
            let kind = shape.fields.get(field).map(|field| field.kind);
            by_group.push(group.lines(Sum::by(&lines, at), sums.len(), kind, asked).await?);
        }
        Ok(Summed { count: all.count, totals, groups: by_group })
    }
}

impl Group {
    /// The lines in their order. `sums` come in that of their values; each has `count` of them.
    async fn lines(
        &self,
        sums: Vec<Sum>,
        count: usize,
        kind: Option<Kind>,
        asked: Asked<'_>,
    ) -> Result<Vec<Line>, StoreError> {
        let mut lines: Vec<Line> = sums
            .into_iter()
            .map(|sum| Line {
                value: sum.groups.into_iter().next().unwrap_or_default(),
                named: Value::Null,
                count: sum.count,
                sums: sum.sums.into_iter().map(Value::Decimal).collect(),
            })
            .collect();
        for word in self.always {
            let word = Value::Text((*word).into());
            if !lines.iter().any(|line| line.value == word) {
                let sums = Sum::total(&[], count).sums.into_iter().map(Value::Decimal).collect();
                lines.push(Line { value: word, named: Value::Null, count: 0, sums });
            }
        }
        match (&self.named, kind) {
            (Some(named), _) => named.show(&mut lines, asked).await?,
            (None, Some(Kind::Words(words))) => {
                lines.sort_by_key(|line| {
                    line.value
                        .as_text()
                        .and_then(|text| words.iter().position(|word| *word == text))
                        .unwrap_or(usize::MAX)
                });
            }
            _ => lines.sort_by_key(|line| (line.value.is_null(), Reverse(line.count))),
        }
        Ok(lines)
    }
}

impl Named {
    /// Shows the rows in their lines, and puts these in the order of those.
    async fn show(&self, lines: &mut [Line], asked: Asked<'_>) -> Result<(), StoreError> {
        let ids: Vec<i64> = lines.iter().filter_map(|line| line.value.as_integer()).collect();
        let rows = asked.rows.get_many(asked.tenant, self.shape, &ids).await?;
        let [field, order] = [self.field, self.order].map(|name| self.shape.field(name).map(|(at, _)| at));
        let found = |line: &Line| rows.iter().find(|row| line.value == Value::Integer(row.id));
        for line in lines.iter_mut() {
            line.named = found(line).zip(field).and_then(|(row, at)| row.values.get(at)).cloned().unwrap_or_default();
        }
        lines.sort_by_cached_key(|line| {
            let row = found(line);
            (row.is_none(), row.zip(order).and_then(|(row, at)| row.values.get(at)), row.map(|row| row.id))
        });
        Ok(())
    }
}
