//! From ids to an address, without an id deciding where that leads.

use url::Url;

/// The address of a path below `base`, each segment escaped whole. `None` where a segment can't
/// stand in a path as it is, or where `base` can have no path.
///
/// The URL standard drops `.` and lets `..` lead up, and it takes tabs and line ends out before it
/// looks: `.\t.` leads up as well. Nothing that is dropped may be asked for, because what is left
/// is the address of something else.
pub fn below(base: &Url, segments: &[&str]) -> Option<Url> {
    let vanishes = |segment: &&str| {
        matches!(*segment, "" | "." | "..") || segment.contains(['\t', '\n', '\r'])
    };
    if segments.iter().any(vanishes) {
        return None;
    }
    let mut url = base.clone();
    url.path_segments_mut()
        .ok()?
        .pop_if_empty()
        .extend(segments);
    Some(url)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn path(segments: &[&str]) -> Option<String> {
        let base = Url::parse("https://crm.test/api/").expect("an address");
        below(&base, segments).map(|url| url.path().to_owned())
    }

    #[test]
    fn a_segment_is_escaped_whole() {
        assert_eq!(path(&["v2", "a"]).as_deref(), Some("/api/v2/a"));
        assert_eq!(path(&["a/b?c#d"]).as_deref(), Some("/api/a%2Fb%3Fc%23d"));
        assert_eq!(path(&["%2e%2e"]).as_deref(), Some("/api/%252e%252e"));
    }

    #[test]
    fn a_segment_that_would_vanish_or_lead_up_is_refused() {
        for segment in ["", ".", "..", ".\t.", "\n", "..\r", "a\tb"] {
            assert_eq!(path(&["clients", segment, "notes"]), None, "{segment:?}");
        }
    }
}
