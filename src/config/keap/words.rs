//! `[keap.tags]`: the tags by which staff begin something (E8).

use relay_core::facts::StaffWord;

use crate::config::reader::Reader;

/// The names of the tags.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WordNames {
    names: [(StaffWord, String); 3],
}

impl Default for WordNames {
    fn default() -> Self {
        Self {
            names: StaffWord::ALL.map(|word| (word, usual(word).to_owned())),
        }
    }
}

const fn usual(word: StaffWord) -> &'static str {
    match word {
        StaffWord::Resume => "Follow-up: resume",
        StaffWord::Replied => "Follow-up: replied",
        StaffWord::Pause => "Follow-up: pause",
    }
}

impl WordNames {
    /// Each word with its tag's name.
    pub fn iter(&self) -> impl Iterator<Item = (StaffWord, &str)> {
        self.names.iter().map(|(word, name)| (*word, name.as_str()))
    }

    pub(super) fn read(mut reader: Reader<'_>) -> Self {
        let mut names: Vec<String> = Vec::new();
        let read = StaffWord::ALL.map(|word| {
            let key = word.as_str();
            let name = reader.text(key).unwrap_or_else(|| usual(word).to_owned());
            let name = name.trim().to_owned();
            if names.iter().any(|other| other.eq_ignore_ascii_case(&name)) {
                reader.mistake(
                    key,
                    format!("{name:?} is the tag of another word, too"),
                    "write another name: what a tag says must be one thing",
                );
            }
            names.push(name.clone());
            (word, name)
        });
        reader.finish();
        Self { names: read }
    }
}
