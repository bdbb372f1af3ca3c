//! Words of a transaction as they are looked for: without case and accents, from
//! their beginning.
//!
//! Each stored lexeme begins with a tag of its household, so that one index
//! serves all of them and a search reads its own household's entries only. Two
//! households may share a tag: who asks compares the household, too.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use unicode_normalization::UnicodeNormalization as _;
use unicode_normalization::char::is_combining_mark;
use uuid::Uuid;

use super::transaction::Texts;

/// Characters of a word that count.
const LONGEST: usize = 40;
/// Words of a question that are looked for: each is a look-up of its own.
const MOST: usize = 400;

/// The words of `text`, folded.
pub fn fold(text: &str) -> BTreeSet<String> {
    let mut folded = String::with_capacity(text.len());
    for letter in text.nfkd().filter(|letter| !is_combining_mark(*letter)).flat_map(char::to_lowercase) {
        match letter {
            'ß' => folded.push_str("ss"),
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
    let words = folded.split(|letter: char| !letter.is_alphanumeric()).filter(|word| !word.is_empty());
    words.map(|word| word.chars().take(LONGEST).collect()).collect()
}

/// The lexemes of a transaction, as text of a `tsvector`.
pub fn vector(household_id: Uuid, texts: &Texts) -> String {
    let fields = [&texts.description, &texts.reference_number, &texts.notes];
    let mut words = BTreeSet::new();
    for text in fields.into_iter().flatten() {
        words.extend(fold(text));
    }
    let household = household_tag(household_id);
    let mut vector = String::new();
    for word in words {
        let _infallible = write!(vector, "'{household}{word}' ");
    }
    for tag in &texts.tags {
        let _infallible = write!(vector, "{} ", tag_lexeme(&household, tag));
    }
    vector
}

/// A question for words, all of which must be there, and for a tag, as text of a
/// `tsquery`. None when `text` has no word at all.
pub fn query(household_id: Uuid, text: Option<&str>, tag: Option<&str>) -> Option<String> {
    let household = household_tag(household_id);
    let words = text.map(fold).unwrap_or_default();
    if text.is_some() && words.is_empty() {
        return None;
    }
    let words = words.iter().take(MOST).map(|word| format!("'{household}{word}':*"));
    let tag = tag.map(|tag| tag_lexeme(&household, tag));
    Some(words.chain(tag).collect::<Vec<_>>().join(" & "))
}

/// Six bytes of randomness of the id; letters and digits only.
fn household_tag(household_id: Uuid) -> String {
    let digits = household_id.simple().to_string();
    digits.get(20..).unwrap_or_default().to_owned()
}

/// A tag is found as it was written.
fn tag_lexeme(household: &str, tag: &str) -> String {
    format!("'{household}#{}'", tag.replace('\\', "\\\\").replace('\'', "''"))
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::{fold, query, vector};
    use crate::domain::transaction::Texts;

    fn words(text: &str) -> Vec<String> {
        fold(text).into_iter().collect()
    }

    #[test]
    fn case_and_accents_do_not_matter() {
        assert_eq!(words("Café CRÈME, naïve—Straße!"), ["cafe", "creme", "naive", "strasse"]);
        assert_eq!(words("Łódź Smørrebrød L'été d’Œuvre"), ["doeuvre", "lete", "lodz", "smorrebrod"]);
        assert_eq!(words("ﬁne ① ＡＢＣ Ελλάδα"), ["1", "abc", "fine", "ελλαδα"]);
        assert_eq!(words(" -- … \u{0301}"), Vec::<String>::new());
    }

    #[test]
    fn a_word_is_found_wherever_it_stands() {
        let notes = (1000..1800).map(|number| format!("n{number}")).collect::<Vec<_>>().join(" ");
        let texts = Texts { notes: Some(notes), ..Texts::default() };
        assert!(vector(Uuid::from_u128(1), &texts).contains("'000000000001n1799'"));
    }

    #[test]
    fn a_household_finds_its_own_words_only() {
        let (one, other) = (Uuid::from_u128(1), Uuid::from_u128(2));
        let texts = Texts { description: Some("Rent".into()), tags: vec!["it's".into()], ..Texts::default() };
        assert_eq!(vector(one, &texts), "'000000000001rent' '000000000001#it''s' ");
        assert_eq!(query(one, Some("RENT"), None).as_deref(), Some("'000000000001rent':*"));
        assert_eq!(query(other, None, Some("a\\b")).as_deref(), Some("'000000000002#a\\\\b'"));
        assert_eq!(query(one, Some("a b"), Some("c")).expect("a query").matches('&').count(), 2);
        assert_eq!(query(one, Some("!?"), Some("c")), None);
        let many = (0..1000).map(|number| number.to_string()).collect::<Vec<_>>().join(" ");
        assert_eq!(query(one, Some(&many), None).expect("a query").matches('&').count(), 399);
    }
}
