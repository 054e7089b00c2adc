//! Query strings in the one form that Keap reads the same way everywhere.
//!
//! A v2 `filter` is a single parameter of `field==value` clauses joined by `;`. How `;`, `,` and
//! `*` would be escaped inside a value is not documented, so a value that holds one is refused:
//! the caller leaves the clause out and compares on its own side.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use url::Url;

/// Everything but the unreserved characters; a space becomes `%20`, never `+`.
const ESCAPED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'_')
    .remove(b'.')
    .remove(b'~');

/// A query under construction.
#[derive(Debug, Clone, Default)]
pub(crate) struct Query {
    clauses: Vec<String>,
    pairs: Vec<(&'static str, String)>,
}

/// A value that the filter grammar can't carry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Unfilterable;

impl Query {
    pub(crate) fn new() -> Self {
        Self::default()
    }

    /// Adds a plain parameter; repeated names stay repeated (`update_mask` wants that).
    pub(crate) fn with(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.pairs.push((name, value.into()));
        self
    }

    /// Adds a filter clause for one value.
    pub(crate) fn eq(mut self, field: &str, value: &str) -> Result<Self, Unfilterable> {
        if value.is_empty() || value.contains([';', ',', '*']) || value.contains(char::is_control) {
            return Err(Unfilterable);
        }
        self.clauses.push(format!("{field}=={value}"));
        Ok(self)
    }

    /// Adds a filter clause for a set of values.
    pub(crate) fn any_of(mut self, field: &str, values: &[&str]) -> Result<Self, Unfilterable> {
        let fits = |v: &&str| !v.is_empty() && !v.contains([';', ',', '*']);
        if values.is_empty() || !values.iter().all(fits) {
            return Err(Unfilterable);
        }
        self.clauses.push(format!("{field}=={}", values.join(",")));
        Ok(self)
    }

    /// Writes the query into `url`; no `?` where there is nothing to say.
    pub(crate) fn apply(&self, url: &mut Url) {
        let filter = (!self.clauses.is_empty()).then(|| ("filter", self.clauses.join(";")));
        let pairs: Vec<String> = filter
            .iter()
            .chain(&self.pairs)
            .map(|(name, value)| format!("{name}={}", utf8_percent_encode(value, ESCAPED)))
            .collect();
        url.set_query((!pairs.is_empty()).then(|| pairs.join("&")).as_deref());
    }
}

/// The token of the next page. Recorded answers hold either the token itself or a whole address;
/// of an address only the parameter is taken, so that no answer decides where we call.
pub(crate) fn page_token(next: Option<&str>) -> Option<String> {
    let next = next?.trim();
    if next.is_empty() {
        return None;
    }
    match Url::parse(next) {
        Ok(url) if url.has_host() => url
            .query_pairs()
            .find(|(name, _)| name == "page_token")
            .map(|(_, value)| value.into_owned())
            .filter(|token| !token.is_empty()),
        _ => Some(next.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn written(query: &Query) -> String {
        let mut url = Url::parse("https://keap.test/crm").expect("a valid address");
        query.apply(&mut url);
        url.query().unwrap_or_default().to_owned()
    }

    #[test]
    fn a_filter_is_one_encoded_parameter_with_spaces_as_percent_20() {
        let query = Query::new()
            .eq("contact_id", "123")
            .and_then(|q| q.eq("name", "Monthly Coaching"))
            .expect("filterable")
            .with("order_by", "created_time desc");
        assert_eq!(
            written(&query),
            "filter=contact_id%3D%3D123%3Bname%3D%3DMonthly%20Coaching&order_by=created_time%20desc"
        );
    }

    #[test]
    fn a_value_that_the_grammar_cannot_carry_is_refused() {
        for value in ["a;b", "a,b", "a*", "", "a\nb"] {
            assert_eq!(
                Query::new().eq("name", value).err(),
                Some(Unfilterable),
                "{value}"
            );
        }
        assert!(Query::new().any_of("ids", &[]).is_err());
    }

    #[test]
    fn repeated_names_stay_repeated() {
        let query = Query::new()
            .with("update_mask", "active")
            .with("update_mask", "auto_charge");
        assert_eq!(
            written(&query),
            "update_mask=active&update_mask=auto_charge"
        );
    }

    #[test]
    fn of_an_address_only_the_token_is_taken() {
        let address = "https://elsewhere.test/crm/rest/v2/tags/?page_size=1&page_token=91";
        assert_eq!(page_token(Some(address)), Some("91".to_owned()));
        assert_eq!(page_token(Some("https://elsewhere.test/")), None);
        assert_eq!(page_token(Some("b64:xyz==")), Some("b64:xyz==".to_owned()));
        assert_eq!(page_token(Some("")), None);
        assert_eq!(page_token(None), None);
    }

    proptest! {
        #[test]
        fn whatever_is_written_is_read_back_the_same(value in "[^;,*\\p{Cc}]{1,40}") {
            let query = Query::new().eq("name", &value).expect("filterable");
            let mut url = Url::parse("https://keap.test/").expect("a valid address");
            query.apply(&mut url);
            let (name, read) = url.query_pairs().next().expect("one pair");
            prop_assert_eq!(name.as_ref(), "filter");
            prop_assert_eq!(read.into_owned(), format!("name=={value}"));
        }

        #[test]
        fn no_token_makes_the_reader_panic(next in "\\PC{0,80}") {
            let _ = page_token(Some(&next));
        }
    }
}
