//! A day that was written behind "wait until".

use crate::time::Date;

/// The longest that a client may be waited for by a word of her coach; longer is a break, which the portal knows.
const LONGEST_WAIT_DAYS: i32 = 60;

/// Between the numbers of a date.
pub(super) const POINT: &str = ".";

/// A date as people in the clinic write it: `2026 11 12`, `nov 12`, `november 12 2026`, `12 nov`, `11 12`
/// (the month first), each with or without the year. Without one it is the next such day.
pub(super) fn date_of(words: &[String], today: Date) -> Option<Date> {
    let pointed = words.iter().any(|word| word == POINT);
    let words: Vec<String> = words
        .iter()
        .filter(|word| *word != POINT)
        .cloned()
        .collect();
    let words = &words[..];
    let number = |word: &String| {
        let plain = word.trim_end_matches(|c: char| c.is_ascii_alphabetic());
        let ending = word.strip_prefix(plain).unwrap_or_default();
        matches!(ending, "" | "st" | "nd" | "rd" | "th")
            .then(|| plain.parse::<i16>().ok())
            .flatten()
    };
    let (month, day, year) = match words {
        [year, month, day] if year.len() == 4 && year.bytes().all(|c| c.is_ascii_digit()) => {
            (number(month)?, number(day)?, number(year))
        }
        [first, second, rest @ ..] if rest.len() < 2 => {
            let (month, day) = match (month_of(first), month_of(second)) {
                (Some(month), None) => (month, number(second)?),
                (None, Some(month)) => (month, number(first)?),
                // Which of the two is the month, a point doesn't tell.
                (None, None) if pointed => match (number(first)?, number(second)?) {
                    (day @ 13.., month @ ..=12) | (month @ ..=12, day @ 13..) => (month, day),
                    _ => return None,
                },
                (None, None) => (number(first)?, number(second)?),
                (Some(_), Some(_)) => return None,
            };
            let year = match rest {
                [] => None,
                [year] => Some(number(year).filter(|year| (2000..=2999).contains(year))?),
                [..] => return None,
            };
            (month, day, year)
        }
        _ => return None,
    };
    let date = |year: i16| Date::new(year, month.try_into().ok()?, day.try_into().ok()?).ok();
    let found = if let Some(year) = year {
        date(year)
    } else {
        let this_year = today.year();
        let years = [this_year, this_year.checked_add(1)?];
        years
            .into_iter()
            .filter_map(date)
            .find(|date| *date >= today)
    };
    // A day that is over is none to wait for, and one far away is a slip of the pen: nobody is left alone for a year.
    let last = today
        .checked_add(jiff::Span::new().days(LONGEST_WAIT_DAYS))
        .ok()?;
    found.filter(|date| (today..=last).contains(date))
}

fn month_of(word: &str) -> Option<i16> {
    const MONTHS: [&str; 12] = [
        "january",
        "february",
        "march",
        "april",
        "may",
        "june",
        "july",
        "august",
        "september",
        "october",
        "november",
        "december",
    ];
    let known = |month: &str| word.len() >= 3 && month.starts_with(word);
    let place = MONTHS.iter().position(|month| known(month))?;
    i16::try_from(place + 1).ok()
}
