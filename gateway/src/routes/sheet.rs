//! Tables as CSV (RFC 4180), safe to open in a spreadsheet.

/// Rows of cells as text.
#[derive(Debug)]
pub struct Sheet(csv::Writer<Vec<u8>>);

impl Default for Sheet {
    fn default() -> Self {
        let mut form = csv::WriterBuilder::new();
        form.terminator(csv::Terminator::CRLF).flexible(true);
        Self(form.from_writer(Vec::new()))
    }
}

impl Sheet {
    /// With a header.
    pub fn new(columns: &[&str]) -> Self {
        let mut sheet = Self::default();
        sheet.row(columns);
        sheet
    }

    pub fn row<C: AsRef<[u8]>>(&mut self, cells: impl IntoIterator<Item = C>) {
        // Writing into memory does not fail.
        let _infallible = self.0.write_record(cells);
    }

    /// The whole file; `bom`: with the byte order mark that spreadsheets need to read UTF-8.
    pub fn into_document(self, bom: bool) -> String {
        let text = self.into_text();
        if bom { format!("\u{feff}{text}") } else { text }
    }

    /// The rows alone.
    pub fn into_text(self) -> String {
        let bytes = self.0.into_inner().unwrap_or_default();
        String::from_utf8(bytes).unwrap_or_default()
    }
}

/// A text that a spreadsheet does not take for a formula, not even one that
/// separates cells by semicolons (<https://owasp.org/www-community/attacks/CSV_Injection>).
/// Not for numbers.
pub fn safe(text: &str) -> String {
    let mut safe = String::with_capacity(text.len() + 1);
    // Whether a cell may begin here, for some spreadsheet.
    let mut begins = true;
    for letter in text.chars() {
        if begins && matches!(letter, '=' | '+' | '-' | '@' | '\t' | '\r' | '＝' | '＋' | '－' | '＠') {
            safe.push('\'');
        }
        begins = matches!(letter, ';' | '\t' | '\r' | '\n') || begins && letter.is_whitespace();
        safe.push(letter);
    }
    safe
}

#[cfg(test)]
mod tests {
    use super::{Sheet, safe};

    #[test]
    fn cells_are_quoted_and_formulas_are_text() {
        let mut sheet = Sheet::new(&["a", "b"]);
        sheet.row(["-1.50".to_owned(), safe("=cmd|' /C calc'!A0")]);
        sheet.row([safe("say \"hi\", then\nleave"), safe(" @SUM(1)")]);
        sheet.row([safe("plain"), safe("\t=1")]);
        sheet.row([safe("Lunch; =cmd|' /C calc'!A0;-x"), safe("a-b;c+d")]);
        let text = sheet.into_text();
        assert_eq!(
            text,
            "a,b\r\n-1.50,'=cmd|' /C calc'!A0\r\n\"say \"\"hi\"\", then\nleave\", '@SUM(1)\r\nplain,'\t'=1\r\nLunch; '=cmd|' /C calc'!A0;'-x,a-b;c+d\r\n"
        );
    }
}
