//! From one input to the next: bits, bytes, lines, words of the grammar, pieces of other inputs,
//! and the form of JSON.

use relay_core::random::{Random, SeededRandom};

use crate::json;

/// No input grows beyond this; what is longer is a case of its own, and in the corpus.
pub const MAX_INPUT: usize = 16 * 1024;

/// Numbers that have been too much for somebody.
const NUMBERS: &[&str] = &[
    "0",
    "-0",
    "-1",
    "1.5",
    "255",
    "256",
    "65536",
    "2147483648",
    "4294967296",
    "9007199254740993",
    "9223372036854775807",
    "9223372036854775808",
    "18446744073709551616",
    "1e308",
    "1e999",
    "-1e-999",
    "00000000000000000000000000000001",
    "253402300800",
    "1e3",
];

/// Letters that are more than they look: marks, joiners, directions, wide and broken ones.
const LETTERS: &[&str] = &[
    "\u{0}",
    "\u{7f}",
    "\u{85}",
    "\u{a0}",
    "\u{ad}",
    "\u{200b}",
    "\u{200d}",
    "\u{202e}",
    "\u{2028}",
    "\u{2067}",
    "\u{feff}",
    "\u{fffd}",
    "\u{10ffff}",
    "İ",
    "ß",
    "ﬁ",
    "e\u{301}",
    "👩\u{200d}⚕\u{fe0f}",
    "مايا",
    "\r\n",
    "\t",
    "\\u0000",
    "\\ud800",
    "%00",
    "%2e%2e%2f",
    "+",
];

/// A source of mutations. The same seed gives the same ones.
#[derive(Debug)]
pub struct Mutator {
    random: SeededRandom,
    words: Vec<&'static str>,
}

impl Mutator {
    /// Mutations drawn from `seed`, with the words of a grammar.
    pub fn new(seed: u64, words: &[&'static str]) -> Self {
        Self {
            random: SeededRandom::new(seed),
            words: words.to_vec(),
        }
    }

    /// A number below `end`; 0 if there is none.
    pub fn below(&self, end: usize) -> usize {
        let end = u64::try_from(end).unwrap_or(1).max(1);
        usize::try_from(self.random.next_u64() % end).unwrap_or(0)
    }

    /// One of `items`.
    pub fn pick<'a, T>(&self, items: &'a [T]) -> Option<&'a T> {
        items.get(self.below(items.len()))
    }

    /// A word of the grammar, a number or a letter.
    pub fn word(&self) -> &'static str {
        let list = match self.below(4) {
            0 => NUMBERS,
            1 => LETTERS,
            _ => self.words.as_slice(),
        };
        self.pick(list).copied().unwrap_or("x")
    }

    /// An input made of one of `inputs`.
    pub fn next(&self, inputs: &[Vec<u8>]) -> Vec<u8> {
        let mut data = self.pick(inputs).cloned().unwrap_or_default();
        for _ in 0..=self.below(4) {
            data = self.changed(data, inputs);
            data.truncate(MAX_INPUT);
        }
        data
    }

    fn changed(&self, mut data: Vec<u8>, inputs: &[Vec<u8>]) -> Vec<u8> {
        match self.below(10) {
            0 => {
                let at = self.below(data.len());
                if let Some(byte) = data.get_mut(at) {
                    *byte ^= 1 << self.below(8);
                }
            }
            1 => {
                let at = self.below(data.len());
                if let Some(byte) = data.get_mut(at) {
                    *byte = u8::try_from(self.below(256)).unwrap_or(0);
                }
            }
            2 => {
                let piece = self.piece(&data);
                data.drain(piece);
            }
            3 => {
                let piece = data[self.piece(&data)].to_vec();
                self.put(&mut data, &piece);
            }
            4 | 5 => self.put(&mut data, self.word().as_bytes()),
            6 => self.splice(&mut data, inputs),
            7 => self.renumber(&mut data),
            8 => self.shuffle_lines(&mut data),
            _ => {
                if let Some(changed) = json::changed(self, &data) {
                    return changed;
                }
                self.put(&mut data, self.word().as_bytes());
            }
        }
        data
    }

    /// A short piece of the data.
    fn piece(&self, data: &[u8]) -> std::ops::Range<usize> {
        let start = self.below(data.len());
        let longest = (data.len() - start).min(1 + self.below(64));
        start..start + self.below(longest + 1)
    }

    fn put(&self, data: &mut Vec<u8>, piece: &[u8]) {
        let at = self.below(data.len() + 1);
        data.splice(at..at, piece.iter().copied());
    }

    /// The beginning of this and the end of another.
    fn splice(&self, data: &mut Vec<u8>, inputs: &[Vec<u8>]) {
        let Some(other) = self.pick(inputs) else {
            return;
        };
        data.truncate(self.below(data.len() + 1));
        data.extend_from_slice(&other[self.below(other.len() + 1).min(other.len())..]);
    }

    /// Another number in place of one.
    fn renumber(&self, data: &mut Vec<u8>) {
        let digits: Vec<usize> = (0..data.len())
            .filter(|at| data[*at].is_ascii_digit())
            .collect();
        let Some(start) = self.pick(&digits).copied() else {
            return;
        };
        let rest = data[start..].iter();
        let length = rest.take_while(|byte| byte.is_ascii_digit()).count();
        let number = self.pick(NUMBERS).copied().unwrap_or("0");
        data.splice(start..start + length, number.bytes());
    }

    /// A line twice, away, or at another place.
    fn shuffle_lines(&self, data: &mut Vec<u8>) {
        let mut lines: Vec<Vec<u8>> = data.split(|b| *b == b'\n').map(<[u8]>::to_vec).collect();
        let (from, to) = (self.below(lines.len()), self.below(lines.len()));
        match self.below(3) {
            0 => {
                let line = lines[from].clone();
                lines.insert(to, line);
            }
            1 => {
                lines.remove(from);
            }
            _ => lines.swap(from, to),
        }
        *data = lines.join(&b'\n');
    }
}
