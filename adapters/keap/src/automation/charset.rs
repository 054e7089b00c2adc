//! The characters of a post.
//!
//! A step's form is UTF-8, or what an old page or a tool between says in `charset`. What says nothing
//! is UTF-8 where it can be, else what the web has always taken such bytes for: windows-1252, of which
//! ISO 8859-1 and ASCII are a part (<https://encoding.spec.whatwg.org/#windows-1252>).

/// What bytes are read as.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Charset {
    /// UTF-8 where they are, else windows-1252.
    Guess,
    /// What is no UTF-8 is replaced.
    Utf8,
    /// Every byte is a character.
    Windows1252,
}

/// The characters 0x80 to 0x9F; the others are those of Unicode.
const UPPER: [char; 32] = [
    '\u{20ac}', '\u{81}', '\u{201a}', '\u{192}', '\u{201e}', '\u{2026}', '\u{2020}', '\u{2021}',
    '\u{2c6}', '\u{2030}', '\u{160}', '\u{2039}', '\u{152}', '\u{8d}', '\u{17d}', '\u{8f}',
    '\u{90}', '\u{2018}', '\u{2019}', '\u{201c}', '\u{201d}', '\u{2022}', '\u{2013}', '\u{2014}',
    '\u{2dc}', '\u{2122}', '\u{161}', '\u{203a}', '\u{153}', '\u{9d}', '\u{17e}', '\u{178}',
];

impl Charset {
    /// By the name in a media type; one that nobody uses for this is guessed.
    pub(super) fn of(name: Option<&str>) -> Self {
        match name.unwrap_or_default().to_ascii_lowercase().as_str() {
            "utf-8" | "utf8" | "unicode-1-1-utf-8" => Self::Utf8,
            "windows-1252" | "cp1252" | "x-cp1252" | "iso-8859-1" | "iso8859-1" | "iso_8859-1"
            | "latin1" | "l1" | "us-ascii" | "ascii" => Self::Windows1252,
            _ => Self::Guess,
        }
    }

    /// The text of `bytes`.
    pub(super) fn decode(self, bytes: &[u8]) -> String {
        match (self, std::str::from_utf8(bytes)) {
            (Self::Guess | Self::Utf8, Ok(text)) => text.to_owned(),
            (Self::Utf8, Err(_)) => String::from_utf8_lossy(bytes).into_owned(),
            (Self::Guess | Self::Windows1252, _) => {
                bytes.iter().map(|byte| character(*byte)).collect()
            }
        }
    }
}

fn character(byte: u8) -> char {
    let upper = usize::from(byte).checked_sub(0x80);
    upper
        .and_then(|index| UPPER.get(index).copied())
        .unwrap_or(char::from(byte))
}
