//! The filter grammar of v2 lists: `field==value` clauses joined with `;`, other operators where
//! a field allows them. A field that a list doesn't know is refused, as is an operator that the
//! field doesn't know; a query parameter that nobody knows is not (see `list.rs`).

use relay_core::time::Timestamp;
use serde_json::Value;

use super::state::Row;

/// An operator.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Op {
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

/// Longer operators first: `>=` also begins with `>`.
const OPERATORS: [(&str, Op); 6] = [
    ("==", Op::Equal),
    ("!=", Op::NotEqual),
    ("<=", Op::LessOrEqual),
    (">=", Op::GreaterOrEqual),
    ("<", Op::Less),
    (">", Op::Greater),
];

/// One condition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Clause {
    pub(super) field: String,
    pub(super) op: Op,
    pub(super) value: String,
}

/// How a field compares.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// Whole text as it is written, without wildcards: ids and words of closed lists.
    Word,
    /// Whole text ignoring case; a trailing `*` makes it a beginning, any other is refused.
    Text,
    /// Any part of the text ignoring case; a trailing `*` makes it a beginning.
    Part,
    /// One of a comma-joined set.
    Set,
    /// A number, with every operator.
    Number,
    /// `true` or `false`.
    Flag,
    /// At or after a time.
    Since,
    /// At or before a time.
    Until,
}

/// A field that a list can be filtered by, and the member of the index row it looks at.
#[derive(Debug, Clone)]
pub(super) struct Field {
    pub(super) name: String,
    pub(super) member: String,
    pub(super) kind: Kind,
}

/// A field whose member has the same name.
pub(super) fn field(name: &str, kind: Kind) -> Field {
    named(name, name, kind)
}

/// A field that looks at another member.
pub(super) fn named(name: &str, member: &str, kind: Kind) -> Field {
    Field {
        name: name.to_owned(),
        member: member.to_owned(),
        kind,
    }
}

/// Reads a filter. An empty clause (a trailing `;`) is let pass.
pub(super) fn parse(text: &str) -> Result<Vec<Clause>, String> {
    text.split(';')
        .filter(|clause| !clause.trim().is_empty())
        .map(clause)
        .collect()
}

fn clause(text: &str) -> Result<Clause, String> {
    let end = text
        .find(|c: char| !c.is_ascii_alphanumeric() && c != '_')
        .ok_or_else(|| format!("Invalid filter: {text}"))?;
    let (name, rest) = text.split_at(end);
    let (value, op) = OPERATORS
        .into_iter()
        .find_map(|(sign, op)| rest.strip_prefix(sign).map(|value| (value, op)))
        .ok_or_else(|| format!("Invalid filter: {text}"))?;
    if name.is_empty() || value.is_empty() {
        return Err(format!("Invalid filter: {text}"));
    }
    Ok(Clause {
        field: name.to_owned(),
        op,
        value: value.to_owned(),
    })
}

/// A clause that a list understands.
#[derive(Debug)]
pub(super) struct Test {
    member: String,
    op: Op,
    wanted: Wanted,
}

#[derive(Debug)]
enum Wanted {
    Whole(String),
    Part(String),
    Beginning(String),
    Set(Vec<String>),
    Number(f64),
    Flag(bool),
    Since(Timestamp),
    Until(Timestamp),
}

/// Checks the clauses against what the list knows.
pub(super) fn compile(clauses: Vec<Clause>, fields: &[Field]) -> Result<Vec<Test>, String> {
    let asks = |name: &str| clauses.iter().any(|clause| clause.field == name);
    if asks("id") && asks("ids") {
        return Err("id and ids can't be combined".to_owned());
    }
    clauses
        .into_iter()
        .map(|clause| {
            let field = fields
                .iter()
                .find(|field| field.name.eq_ignore_ascii_case(&clause.field))
                .ok_or_else(|| format!("Invalid filter field: {}", clause.field))?;
            if field.kind != Kind::Number && clause.op != Op::Equal {
                return Err(format!("Invalid operator for filter field: {}", field.name));
            }
            Ok(Test {
                member: field.member.clone(),
                op: clause.op,
                wanted: wanted(field, &clause.value)?,
            })
        })
        .collect()
}

fn wanted(field: &Field, value: &str) -> Result<Wanted, String> {
    let invalid = || format!("Invalid value for filter field: {}", field.name);
    let wildcards = value.matches('*').count();
    let allowed = match field.kind {
        // Only at the end: the description refuses it elsewhere.
        Kind::Text | Kind::Part => usize::from(value.len() > 1 && value.ends_with('*')),
        _ => 0,
    };
    if wildcards > allowed {
        return Err(invalid());
    }
    Ok(match (field.kind, value.strip_suffix('*')) {
        (Kind::Text | Kind::Part, Some(beginning)) => Wanted::Beginning(beginning.to_lowercase()),
        (Kind::Text, None) | (Kind::Word, _) => Wanted::Whole(value.to_lowercase()),
        (Kind::Part, None) => Wanted::Part(value.to_lowercase()),
        (Kind::Set, _) => Wanted::Set(value.split(',').map(|v| v.trim().to_lowercase()).collect()),
        (Kind::Number, _) => Wanted::Number(number_in(value).ok_or_else(invalid)?),
        (Kind::Flag, _) => Wanted::Flag(value.parse().map_err(|_| invalid())?),
        (Kind::Since, _) => Wanted::Since(strict_time(value).ok_or_else(invalid)?),
        (Kind::Until, _) => Wanted::Until(strict_time(value).ok_or_else(invalid)?),
    })
}

/// A number as people write one: `NaN` and `inf` compare with nothing.
fn number_in(value: &str) -> Option<f64> {
    value.parse().ok().filter(|number: &f64| number.is_finite())
}

/// A whole ISO-8601 time with milliseconds and a zone; anything shorter is refused.
pub(super) fn strict_time(value: &str) -> Option<Timestamp> {
    let (_, fraction) = value.split_once('.')?;
    let digits = fraction.bytes().take_while(u8::is_ascii_digit).count();
    if digits < 3 {
        return None;
    }
    value.parse().ok()
}

impl Test {
    /// Whether an index row passes. Of a member that is a list, one item is enough.
    pub(super) fn passes(&self, row: &Row) -> bool {
        match row.get(&self.member) {
            Some(Value::Array(items)) => items.iter().any(|item| self.fits(item)),
            Some(value) => self.fits(value),
            None => self.fits(&Value::Null),
        }
    }

    fn fits(&self, value: &Value) -> bool {
        match &self.wanted {
            Wanted::Whole(text) => words(value).is_some_and(|v| v == *text),
            Wanted::Part(text) => words(value).is_some_and(|v| v.contains(text)),
            Wanted::Beginning(text) => words(value).is_some_and(|v| v.starts_with(text)),
            Wanted::Set(set) => words(value).is_some_and(|v| set.contains(&v)),
            Wanted::Flag(flag) => value.as_bool().unwrap_or(false) == *flag,
            Wanted::Since(since) => time(value).is_some_and(|at| at >= *since),
            Wanted::Until(until) => time(value).is_some_and(|at| at <= *until),
            Wanted::Number(number) => self.compares(value, *number),
        }
    }

    fn compares(&self, value: &Value, wanted: f64) -> bool {
        let Some(order) = number(value).and_then(|found| found.partial_cmp(&wanted)) else {
            return false;
        };
        match self.op {
            Op::Equal => order.is_eq(),
            Op::NotEqual => order.is_ne(),
            Op::Less => order.is_lt(),
            Op::LessOrEqual => order.is_le(),
            Op::Greater => order.is_gt(),
            Op::GreaterOrEqual => order.is_ge(),
        }
    }
}

fn words(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.to_lowercase()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(flag) => Some(flag.to_string()),
        _ => None,
    }
}

fn number(value: &Value) -> Option<f64> {
    match value {
        Value::Number(number) => number.as_f64(),
        Value::String(text) => text.parse().ok(),
        _ => None,
    }
}

fn time(value: &Value) -> Option<Timestamp> {
    value.as_str()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn clauses_are_split_and_a_trailing_separator_is_let_pass() {
        let clauses = parse("contact_id==12;id>=5;").expect("a filter");
        let read: Vec<_> = clauses
            .iter()
            .map(|c| (c.field.as_str(), c.op, c.value.as_str()))
            .collect();
        assert_eq!(
            read,
            [
                ("contact_id", Op::Equal, "12"),
                ("id", Op::GreaterOrEqual, "5")
            ]
        );
    }

    #[test]
    fn what_is_no_clause_is_refused() {
        for text in ["contact_id", "=12", "contact_id=12", "==12", "contact_id=="] {
            assert!(parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_time_without_milliseconds_or_zone_is_refused() {
        assert!(strict_time("2026-08-01T00:00:00.000Z").is_some());
        for text in [
            "2026-08-01",
            "2026-08-01T00:00:00Z",
            "2026-08-01T00:00:00.000",
        ] {
            assert!(strict_time(text).is_none(), "{text}");
        }
    }

    #[test]
    fn a_wildcard_stands_at_the_end_of_a_text_or_nowhere() {
        let fields = [
            field("a", Kind::Text),
            field("c", Kind::Set),
            field("h", Kind::Word),
        ];
        let verdict = |text: &str| parse(text).and_then(|c| compile(c, &fields)).is_ok();
        assert!(verdict("a==Follow*"));
        for text in ["a==*up", "a==*up*", "a==*", "a==a**", "c==1,2*", "h==1*"] {
            assert!(!verdict(text), "{text}");
        }
    }

    #[test]
    fn what_is_no_finite_number_is_refused() {
        let fields = [field("d", Kind::Number)];
        let verdict = |text: &str| parse(text).and_then(|c| compile(c, &fields)).is_ok();
        assert!(verdict("d>1") && verdict("d!=-0.5"));
        for text in ["d>NaN", "d<inf", "d==infinity", "d>=1e999", "d==0x1"] {
            assert!(!verdict(text), "{text}");
        }
    }

    proptest! {
        #[test]
        fn no_filter_makes_it_panic(text in "\\PC*", value in "\\PC*") {
            let fields = [
                field("a", Kind::Text), field("b", Kind::Part), field("c", Kind::Set),
                field("d", Kind::Number), field("e", Kind::Flag), field("f", Kind::Since),
                field("g", Kind::Until), field("h", Kind::Word),
            ];
            let mut row = Row::new();
            for field in &fields {
                row.insert(field.member.clone(), Value::String(value.clone()));
            }
            let mut texts = vec![text];
            texts.extend(fields.iter().map(|field| format!("{}=={value}", field.name)));
            for text in texts {
                if let Ok(tests) = parse(&text).and_then(|c| compile(c, &fields)) {
                    for test in tests {
                        test.passes(&row);
                    }
                }
            }
        }
    }
}
