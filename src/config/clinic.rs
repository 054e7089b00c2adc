//! `[clinic]`: its days and hours.

use relay_core::calendar::{Calendar, CalendarError, CalendarSettings, Hours, OfficeHours};
use relay_core::time::{Date, Time};

use super::reader::Reader;

pub(super) const EXAMPLE: &str = r#"[clinic]
# The clinic's time zone, as an IANA name.
zone = "America/Denver"
# When a message may go out in the portal, every day of the year (A1).
portal_hours = "09:00-18:00"
# When mail and texts may go out, on working days, in the client's own zone (A26, E24).
outreach_hours = "09:00-18:00"
# Public holidays: nobody is called, mailed or texted.
holidays = ["2026-11-26", "2026-12-25"]
# Days closed at short notice. What is pending moves to the next working day (E28).
closed_days = []

# When coaches call. A weekday that says "closed" is not a working day.
[clinic.office_hours]
monday = "09:00-17:00"
tuesday = "09:00-17:00"
wednesday = "09:00-17:00"
thursday = "09:00-17:00"
friday = "09:00-17:00"
saturday = "closed"
sunday = "closed"
"#;

const HOURS: &str = "two times such as \"09:00-17:00\"";

/// The clinic's calendar, checked.
pub(super) fn read(mut reader: Reader<'_>) -> Calendar {
    let default = CalendarSettings::default();
    let settings = CalendarSettings {
        zone: reader.text("zone").unwrap_or(default.zone),
        portal_hours: hours(&mut reader, "portal_hours").unwrap_or(default.portal_hours),
        outreach_hours: hours(&mut reader, "outreach_hours").unwrap_or(default.outreach_hours),
        office_hours: office_hours(reader.section("office_hours"), &default.office_hours),
        holidays: dates(&mut reader, "holidays").collect(),
        closed_days: dates(&mut reader, "closed_days").collect(),
    };
    let calendar = Calendar::new(settings).unwrap_or_else(|CalendarError { mistakes }| {
        for mistake in mistakes {
            reader.mistake(&mistake.key, mistake.wrong, mistake.remedy);
        }
        Calendar::default_denver()
    });
    reader.finish();
    calendar
}

fn hours(reader: &mut Reader<'_>, key: &'static str) -> Option<Hours> {
    let text = reader.text(key)?;
    let hours = parse_hours(&text);
    if hours.is_none() {
        reader.mistake(
            key,
            format!("{text:?} can't be read"),
            format!("write {HOURS}"),
        );
    }
    hours
}

fn parse_hours(text: &str) -> Option<Hours> {
    let (from, to) = text.split_once('-')?;
    let time = |text: &str| -> Option<Time> { text.trim().parse().ok() };
    Some(Hours {
        from: time(from)?,
        to: time(to)?,
    })
}

fn office_hours(mut reader: Reader<'_>, default: &OfficeHours) -> OfficeHours {
    let mut day = |key: &'static str, default: Option<Hours>| match reader.text(key) {
        None => default,
        Some(text) if text == "closed" => None,
        Some(text) => {
            let hours = parse_hours(&text);
            if hours.is_none() {
                let remedy = format!("write {HOURS}, or \"closed\"");
                reader.mistake(key, format!("{text:?} can't be read"), remedy);
            }
            hours
        }
    };
    let hours = OfficeHours {
        monday: day("monday", default.monday),
        tuesday: day("tuesday", default.tuesday),
        wednesday: day("wednesday", default.wednesday),
        thursday: day("thursday", default.thursday),
        friday: day("friday", default.friday),
        saturday: day("saturday", default.saturday),
        sunday: day("sunday", default.sunday),
    };
    reader.finish();
    hours
}

fn dates(reader: &mut Reader<'_>, key: &'static str) -> impl Iterator<Item = Date> {
    let texts = reader.list(key);
    let mut dates = Vec::new();
    for text in texts {
        match text.parse::<Date>() {
            Ok(date) => dates.push(date),
            Err(_) => reader.mistake(
                key,
                format!("{text:?} is not a date"),
                "write dates such as \"2026-12-25\"",
            ),
        }
    }
    dates.into_iter()
}
