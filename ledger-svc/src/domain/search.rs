//! Words of a transaction as they are looked for: without case and accents, from
//! their beginning.
//!
//! Each stored lexeme begins with a tag of its household, so that one index
//! serves all of them and a search reads its own household's entries only. Two
//! households may share a tag: who asks compares the household, too.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use fintrac_kit::text::{fold_case, name_key};
use unicode_normalization::UnicodeNormalization as _;
use unicode_normalization::char::is_combining_mark;
use uuid::Uuid;

use super::transaction::Texts;

/// Characters of a word that count.
const MAX_WORD_CHARS: usize = 40;
/// Characters of a script without blanks that are looked up together.
const GRAM_CHARS: usize = 3;
/// Lexemes of a query: each is a look-up of its own.
const MAX_QUERY_LEXEMES: usize = 64;

/// The words of `text`, folded: runs of letters and digits, each emoji, and of
/// scripts that write no blanks every run.
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
            // An apostrophe belongs to its word; typed in either way it is the same.
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
            // One emoji many times is one word.
            (CharacterClass::Emoji, Some(word)) if word.text.chars().eq([letter]) => {}
            _ => words.push(Word { text: letter.to_string(), is_unspaced: kind == CharacterClass::Unspaced }),
        }
        before = kind;
    }
    words
}

/// A run of letters of one kind.
struct Word {
    text: String,
    /// In a script that writes no blanks between words.
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
            // Colors of skin belong to the emoji before.
            0x1F3FB..=0x1F3FF => Self::Blank,
            0x2300..=0x23FF | 0x2600..=0x27BF | 0x2B00..=0x2BFF | 0x1F000..=0x1FAFF => Self::Emoji,
            _ if letter.is_alphanumeric() => Self::Letter,
            _ => Self::Blank,
        }
    }
}

impl Word {
    /// What is stored, so that it is found from each of its beginnings.
    fn lexemes(&self) -> Vec<String> {
        let letters: Vec<char> = self.text.chars().collect();
        if self.is_unspaced {
            return (0..letters.len())
                .map(|start| letters.iter().skip(start).take(GRAM_CHARS).collect())
                .collect();
        }
        vec![letters.into_iter().take(MAX_WORD_CHARS).collect()]
    }

    /// What must be there, each as the beginning of a stored lexeme.
    fn prefixes(&self) -> Vec<String> {
        let letters: Vec<char> = self.text.chars().collect();
        if self.is_unspaced && letters.len() > GRAM_CHARS {
            return letters.windows(GRAM_CHARS).map(|gram| gram.iter().collect()).collect();
        }
        vec![letters.into_iter().take(MAX_WORD_CHARS).collect()]
    }
}

/// The lexemes of a transaction, as text of a `tsvector`.
pub fn search_vector(household_id: Uuid, texts: &Texts) -> String {
    let fields = [&texts.description, &texts.reference_number, &texts.notes];
    let fields = fields.into_iter().flatten().chain(&texts.tags);
    let lexemes: BTreeSet<_> = fields.flat_map(|text| words(text)).flat_map(|word| word.lexemes()).collect();
    let household = household_tag(household_id);
    let mut vector = String::new();
    for word in lexemes {
        let _infallible = write!(vector, "'{household}{word}' ");
    }
    for tag in &texts.tags {
        let _infallible = write!(vector, "{} ", tag_lexeme(&household, tag));
    }
    vector
}

/// A question for words, all of which must be there, and for a tag, as text of a
/// `tsquery`. None when `text` has no word at all.
pub fn search_query(household_id: Uuid, text: Option<&str>, tag: Option<&str>) -> Option<String> {
    let household = household_tag(household_id);
    let wanted: BTreeSet<_> = text.map(words).unwrap_or_default().iter().flat_map(Word::prefixes).collect();
    if text.is_some() && wanted.is_empty() {
        return None;
    }
    let words = wanted.iter().take(MAX_QUERY_LEXEMES).map(|word| format!("'{household}{word}':*"));
    let tag = tag.map(|tag| tag_lexeme(&household, tag));
    Some(words.chain(tag).collect::<Vec<_>>().join(" & "))
}

/// Six bytes of randomness of the id; letters and digits only.
fn household_tag(household_id: Uuid) -> String {
    let digits = household_id.simple().to_string();
    digits.get(20..).unwrap_or_default().to_owned()
}

/// A tag is found whole, in whatever case.
fn tag_lexeme(household: &str, tag: &str) -> String {
    format!("'{household}#{}'", name_key(tag).replace('\\', "\\\\").replace('\'', "''"))
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::{search_query, search_vector};
    use crate::domain::transaction::Texts;

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
    fn case_and_accents_do_not_matter() {
        assert_eq!(words("Café CRÈME, naïve—Straße!"), ["cafe", "creme", "naive", "strasse"]);
        assert_eq!(words("Łódź Smørrebrød L'été d’Œuvre"), ["doeuvre", "lete", "lodz", "smorrebrod"]);
        assert_eq!(words("ﬁne ① ＡＢＣ Ελλάδα"), ["1", "abc", "fine", "ελλαδα"]);
        assert_eq!(words(" -- … \u{0301}"), Vec::<String>::new());
        assert_eq!(words("ΟΔΌΣ οδός"), ["οδοσ"], "a final sigma is a sigma");
        assert_eq!(words("🍕Pizza 👩🏽‍🍳❤️"), ["pizza", "❤", "🍕", "🍳", "👩"]);
    }

    #[test]
    fn a_word_is_found_wherever_it_stands() {
        let notes = (1000..1800).map(|number| format!("n{number}")).collect::<Vec<_>>().join(" ");
        let texts = Texts { notes: Some(notes), ..Texts::default() };
        assert!(search_vector(Uuid::from_u128(1), &texts).contains("'000000000001n1799'"));
    }

    #[test]
    fn runs_without_blanks_are_found_from_each_of_their_beginnings() {
        assert_eq!(words("ABC銀行口座2"), ["2", "abc", "口座", "座", "行口座", "銀行口"]);
        let wanted =
            |text: &str| super::words(text).iter().flat_map(super::Word::prefixes).collect::<Vec<_>>();
        assert_eq!(wanted("口座"), ["口座"]);
        assert_eq!(wanted("銀行口座"), ["銀行口", "行口座"]);
        assert!(words("ค่าอาหารกลางวัน").contains(&"อาห".to_owned()));
    }

    #[test]
    fn a_household_finds_its_own_words_only() {
        let (one, other) = (Uuid::from_u128(1), Uuid::from_u128(2));
        let texts = Texts { description: Some("Rent".into()), tags: vec!["it's".into()], ..Texts::default() };
        assert_eq!(search_vector(one, &texts), "'000000000001its' '000000000001rent' '000000000001#it''s' ");
        assert_eq!(search_query(one, Some("RENT"), None).as_deref(), Some("'000000000001rent':*"));
        assert_eq!(search_query(other, None, Some("a\\b")).as_deref(), Some("'000000000002#a\\\\b'"));
        assert_eq!(search_query(one, Some("a b"), Some("c")).expect("a query").matches('&').count(), 2);
        assert_eq!(search_query(one, Some("!?"), Some("c")), None);
        let many = (0..1000).map(|number| number.to_string()).collect::<Vec<_>>().join(" ");
        assert_eq!(search_query(one, Some(&many), None).expect("a query").matches('&').count(), 63);
    }
}
