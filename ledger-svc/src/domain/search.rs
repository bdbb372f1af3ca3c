//! Full-text search of transactions by word prefix, without case and accents.
//!
//! Each stored lexeme begins with a tag of its household. One index then serves all
//! households, and a search reads only the entries of its own. Two households may
//! share a tag, so queries also compare the household id.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use kit_core::text::{fold_case, name_key};
use unicode_normalization::UnicodeNormalization as _;
use unicode_normalization::char::is_combining_mark;
use uuid::Uuid;

use super::details::TransactionDetails;

/// The maximum number of characters of a stored word.
const MAX_WORD_CHARS: usize = 40;
/// The length of the n-grams of scripts without spaces.
const GRAM_CHARS: usize = 3;
/// The maximum number of lexemes in a query, each of which is a separate lookup.
const MAX_QUERY_LEXEMES: usize = 64;

/// Splits `text` into folded words.
///
/// A word is a run of letters and digits, an emoji, or a run of characters of
/// scripts without spaces.
fn words(text: &str) -> Vec<Word> {
    let mut folded = String::with_capacity(text.len());
    let plain: String = text.nfkd().filter(|letter| !is_combining_mark(*letter)).collect();
    for letter in fold_case(&plain).chars() {
        match letter {
            'æ' => folded.push_str("ae"),
            'œ' => folded.push_str("oe"),
            'ø' => folded.push('o'),
            'đ' | 'ð' => folded.push('d'),
            'ł' => folded.push('l'),
            'ı' => folded.push('i'),
            // Both forms of the apostrophe are part of their word and ignored.
            '\'' | '’' => {}
            letter => folded.push(letter),
        }
    }
    let mut words: Vec<Word> = Vec::new();
    let mut before = CharacterClass::Blank;
    for letter in folded.chars() {
        let kind = CharacterClass::from(letter);
        match (kind, words.last_mut()) {
            (CharacterClass::Blank, _) => {}
            (CharacterClass::Letter | CharacterClass::Unspaced, Some(word)) if kind == before => {
                word.text.push(letter);
            }
            // A repeated emoji is one word.
            (CharacterClass::Emoji, Some(word)) if word.text.chars().eq([letter]) => {}
            _ => words.push(Word { text: letter.to_string(), is_unspaced: kind == CharacterClass::Unspaced }),
        }
        before = kind;
    }
    words
}

/// A run of characters of one class.
struct Word {
    text: String,
    /// Whether the script has no spaces between words.
    is_unspaced: bool,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum CharacterClass {
    Blank,
    Letter,
    Unspaced,
    Emoji,
}

impl From<char> for CharacterClass {
    fn from(letter: char) -> Self {
        match u32::from(letter) {
            // Thai, Lao, Myanmar, Khmer, Hiragana, Katakana, Bopomofo, Han.
            0xE00..=0xEFF
            | 0x1000..=0x109F
            | 0x1780..=0x17FF
            | 0x3040..=0x312F
            | 0x31A0..=0x31FF
            | 0x3400..=0x9FFF
            | 0xF900..=0xFAFF
            | 0x20000..=0x3FFFF
                if letter.is_alphanumeric() =>
            {
                Self::Unspaced
            }
            // Skin tones modify the emoji before them.
            0x1F3FB..=0x1F3FF => Self::Blank,
            0x2300..=0x23FF | 0x2600..=0x27BF | 0x2B00..=0x2BFF | 0x1F000..=0x1FAFF => Self::Emoji,
            _ if letter.is_alphanumeric() => Self::Letter,
            _ => Self::Blank,
        }
    }
}

impl Word {
    /// Returns the stored lexemes, which [`Self::prefixes`] match.
    ///
    /// An unspaced word can be found from each of its characters.
    fn lexemes(&self) -> Vec<String> {
        let letters: Vec<char> = self.text.chars().collect();
        if self.is_unspaced {
            return (0..letters.len())
                .map(|start| letters.iter().skip(start).take(GRAM_CHARS).collect())
                .collect();
        }
        vec![letters.into_iter().take(MAX_WORD_CHARS).collect()]
    }

    /// Returns the prefixes that stored lexemes must match in a search.
    fn prefixes(&self) -> Vec<String> {
        let letters: Vec<char> = self.text.chars().collect();
        if self.is_unspaced && letters.len() > GRAM_CHARS {
            return letters.windows(GRAM_CHARS).map(|gram| gram.iter().collect()).collect();
        }
        vec![letters.into_iter().take(MAX_WORD_CHARS).collect()]
    }
}

/// Returns the lexemes of a transaction as the text of a `tsvector`.
pub fn search_vector(household_id: Uuid, details: &TransactionDetails) -> String {
    let words = details.texts().flat_map(|text| words(text));
    let lexemes: BTreeSet<_> = words.flat_map(|word| word.lexemes()).collect();
    let household = household_tag(household_id);
    let mut vector = String::new();
    for word in lexemes {
        let _infallible = write!(vector, "'{household}{word}' ");
    }
    for tag in &details.tags {
        let _infallible = write!(vector, "{} ", tag_lexeme(&household, tag));
    }
    vector
}

/// Returns a query for all words of `text` and a tag, as the text of a `tsquery`.
///
/// Returns `None` if `text` is given but has no words.
pub fn search_query(household_id: Uuid, text: Option<&str>, tag: Option<&str>) -> Option<String> {
    let household = household_tag(household_id);
    let prefixes: BTreeSet<_> = text.map(words).unwrap_or_default().iter().flat_map(Word::prefixes).collect();
    if text.is_some() && prefixes.is_empty() {
        return None;
    }
    let words = prefixes.iter().take(MAX_QUERY_LEXEMES).map(|word| format!("'{household}{word}':*"));
    let tag = tag.map(|tag| tag_lexeme(&household, tag));
    Some(words.chain(tag).collect::<Vec<_>>().join(" & "))
}

/// Returns six random bytes of the id in hexadecimal.
fn household_tag(household_id: Uuid) -> String {
    let digits = household_id.simple().to_string();
    digits.get(20..).unwrap_or_default().to_owned()
}

/// Returns the lexeme of a tag, which matches the whole tag in any case.
fn tag_lexeme(household: &str, tag: &str) -> String {
    format!("'{household}#{}'", name_key(tag).replace('\\', "\\\\").replace('\'', "''"))
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::{search_query, search_vector};
    use crate::domain::details::TransactionDetails;

    fn words(text: &str) -> Vec<String> {
        let words = super::words(text);
        words
            .iter()
            .flat_map(super::Word::lexemes)
            .collect::<std::collections::BTreeSet<_>>()
            .into_iter()
            .collect()
    }

    #[test]
    fn words_ignore_case_and_accents() {
        assert_eq!(words("Café CRÈME, naïve—Straße!"), ["cafe", "creme", "naive", "strasse"]);
        assert_eq!(words("Łódź Smørrebrød L'été d’Œuvre"), ["doeuvre", "lete", "lodz", "smorrebrod"]);
        assert_eq!(words("ﬁne ① ＡＢＣ Ελλάδα"), ["1", "abc", "fine", "ελλαδα"]);
        assert_eq!(words(" -- … \u{0301}"), Vec::<String>::new());
        assert_eq!(words("ΟΔΌΣ οδός"), ["οδοσ"], "a final sigma equals a sigma");
        assert_eq!(words("🍕Pizza 👩🏽‍🍳❤️"), ["pizza", "❤", "🍕", "🍳", "👩"]);
    }

    #[test]
    fn the_last_word_of_long_notes_is_indexed() {
        let notes = (1000..1800).map(|number| format!("n{number}")).collect::<Vec<_>>().join(" ");
        let details = TransactionDetails { notes: Some(notes), ..TransactionDetails::default() };
        assert!(search_vector(Uuid::from_u128(1), &details).contains("'000000000001n1799'"));
    }

    #[test]
    fn unspaced_text_is_indexed_from_each_character() {
        assert_eq!(words("ABC銀行口座2"), ["2", "abc", "口座", "座", "行口座", "銀行口"]);
        let prefixes =
            |text: &str| super::words(text).iter().flat_map(super::Word::prefixes).collect::<Vec<_>>();
        assert_eq!(prefixes("口座"), ["口座"]);
        assert_eq!(prefixes("銀行口座"), ["銀行口", "行口座"]);
        assert!(words("ค่าอาหารกลางวัน").contains(&"อาห".to_owned()));
    }

    #[test]
    fn lexemes_begin_with_the_households_tag() {
        let (one, other) = (Uuid::from_u128(1), Uuid::from_u128(2));
        let details = TransactionDetails {
            description: Some("Rent".into()),
            tags: vec!["it's".into()],
            ..TransactionDetails::default()
        };
        assert_eq!(
            search_vector(one, &details),
            "'000000000001its' '000000000001rent' '000000000001#it''s' "
        );
        assert_eq!(search_query(one, Some("RENT"), None).as_deref(), Some("'000000000001rent':*"));
        assert_eq!(search_query(other, None, Some("a\\b")).as_deref(), Some("'000000000002#a\\\\b'"));
        assert_eq!(search_query(one, Some("a b"), Some("c")).expect("a query").matches('&').count(), 2);
        assert_eq!(search_query(one, Some("!?"), Some("c")), None);
        let many = (0..1000).map(|number| number.to_string()).collect::<Vec<_>>().join(" ");
        assert_eq!(search_query(one, Some(&many), None).expect("a query").matches('&').count(), 63);
    }
}
