//! Reading a file piece by piece.

use std::fmt;

/// The cells of a row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cells {
    /// Which row of the file it is: the header is row 1, and empty lines count.
    pub row: u64,
    /// The line in which it begins, from 1 on.
    pub line: u64,
    /// They. None: the line is empty.
    pub cells: Vec<String>,
    /// How many bytes of the file end with it.
    pub end: u64,
}

impl Cells {
    /// How many bytes of text it has.
    pub fn bytes(&self) -> usize {
        self.cells.iter().map(String::len).sum()
    }
}

/// What is wrong with a file, and where: both are counted from 1, the column in characters.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("Line {line}, column {column}: {fault}")]
pub struct Broken {
    /// The line.
    pub line: u64,
    /// The column.
    pub column: u64,
    /// What.
    pub fault: Fault,
}

/// What can be wrong with a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// A quote is opened and never closed.
    Unclosed,
    /// Something follows a closed quote.
    BehindQuote,
    /// A cell is not UTF-8.
    NotUtf8,
    /// It begins as a ZIP archive does.
    Workbook,
    /// It begins as UTF-16 does.
    Utf16,
    /// A row is too long.
    TooLong,
    /// A row has too many cells.
    TooManyCells,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Unclosed => "a quote is opened here and not closed before the end of the file.",
            Self::BehindQuote => "a closing quote is followed by text. Write a quote inside of a quoted cell twice.",
            Self::NotUtf8 => "the text is not UTF-8. Save the file as CSV in UTF-8.",
            Self::Workbook => "this is a workbook or an archive, and no CSV. Save the sheet as CSV in UTF-8.",
            Self::Utf16 => "the text is UTF-16. Save the file as CSV in UTF-8.",
            Self::TooLong => "a row has more than 4 MiB. A quote before it may not be closed.",
            Self::TooManyCells => "a row has more than 1,000 cells.",
        })
    }
}

/// The most bytes of a row.
const MOST_BYTES: usize = 4 * 1024 * 1024;
/// The most cells of a row.
const MOST_CELLS: usize = 1_000;

const MARK: &[u8] = b"\xef\xbb\xbf";

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// At the beginning of a row.
    Row,
    /// At the beginning of another cell.
    Cell,
    Plain,
    Quoted,
    /// Behind a quote in a quoted cell: it closes the cell, or is the first of two.
    Quote,
    /// Behind a CR, to which an LF may belong: the row is held back until that is known.
    Return,
}

/// A place in a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Place {
    line: u64,
    column: u64,
}

impl Place {
    const fn broken(self, fault: Fault) -> Broken {
        Broken { line: self.line, column: self.column, fault }
    }
}

/// Reads a file that comes in pieces of any length.
#[derive(Debug)]
pub struct Reader {
    state: State,
    /// The bytes of the row's cells so far, and where each complete one ends.
    bytes: Vec<u8>,
    ends: Vec<usize>,
    /// Where the row begins, the cell, and the quote that was opened last.
    row_at: Place,
    cell_at: Vec<Place>,
    quote_at: Place,
    at: Place,
    /// Which row comes next.
    row: u64,
    /// How many bytes were read.
    read: u64,
    /// The first bytes, until it is known whether they are a mark.
    head: Option<Vec<u8>>,
    /// A row that ended with a CR.
    held_back: Option<Cells>,
}

impl Reader {
    /// A reader at the beginning of a file.
    pub const fn new() -> Self {
        let at = Place { line: 1, column: 1 };
        Self {
            state: State::Row,
            bytes: Vec::new(),
            ends: Vec::new(),
            row_at: at,
            cell_at: Vec::new(),
            quote_at: at,
            at,
            row: 1,
            read: 0,
            head: Some(Vec::new()),
            held_back: None,
        }
    }

    /// A reader behind the first `read` bytes of a file, which hold so many rows.
    pub fn behind(read: u64, rows: u64) -> Self {
        Self { row: rows + 1, read, head: None, ..Self::new() }
    }

    /// Reads a piece, and adds the rows that it completes to `rows`.
    pub fn read(&mut self, piece: &[u8], rows: &mut Vec<Cells>) -> Result<(), Broken> {
        let Some(mut head) = self.head.take() else { return self.pass(piece, rows) };
        head.extend_from_slice(piece);
        if head.len() < 4 {
            self.head = Some(head);
            return Ok(());
        }
        self.begin(&head, rows)
    }

    /// Ends the file, and adds the last row to `rows` if no line break ended it.
    pub fn end(&mut self, rows: &mut Vec<Cells>) -> Result<(), Broken> {
        if let Some(head) = self.head.take() {
            self.begin(&head, rows)?;
        }
        match self.state {
            State::Quoted => Err(self.quote_at.broken(Fault::Unclosed)),
            State::Row => Ok(()),
            State::Return => {
                rows.extend(self.held_back.take());
                Ok(())
            }
            State::Cell | State::Plain | State::Quote => {
                self.end_cell()?;
                self.end_row(rows)
            }
        }
    }

    fn begin(&mut self, head: &[u8], rows: &mut Vec<Cells>) -> Result<(), Broken> {
        if head.starts_with(b"PK\x03\x04") {
            return Err(self.at.broken(Fault::Workbook));
        }
        if head.starts_with(b"\xff\xfe") || head.starts_with(b"\xfe\xff") {
            return Err(self.at.broken(Fault::Utf16));
        }
        let rest = head.strip_prefix(MARK).unwrap_or(head);
        self.read += (head.len() - rest.len()) as u64;
        self.pass(rest, rows)
    }

    fn pass(&mut self, piece: &[u8], rows: &mut Vec<Cells>) -> Result<(), Broken> {
        for byte in piece {
            self.byte(*byte, rows)?;
        }
        Ok(())
    }

    fn byte(&mut self, byte: u8, rows: &mut Vec<Cells>) -> Result<(), Broken> {
        if self.state == State::Return {
            self.state = State::Row;
            self.read += u64::from(byte == b'\n');
            rows.extend(self.held_back.take().map(|row| Cells { end: self.read, ..row }));
            if byte == b'\n' {
                return Ok(());
            }
        }
        if self.state == State::Row {
            self.row_at = self.at;
        }
        if matches!(self.state, State::Row | State::Cell) {
            self.cell_at.push(self.at);
        }
        self.read += 1;
        let place = self.at;
        match byte {
            b'\n' => self.at = Place { line: place.line + 1, column: 1 },
            // Only the first byte of a character counts.
            byte if byte & 0xc0 == 0x80 => {}
            _ => self.at.column += 1,
        }
        match (self.state, byte) {
            (State::Quoted, b'"') => self.state = State::Quote,
            (State::Quoted, byte) => self.keep(byte)?,
            (State::Quote, b'"') => {
                self.state = State::Quoted;
                self.keep(byte)?;
            }
            (State::Row | State::Cell, b'"') => {
                self.quote_at = place;
                self.state = State::Quoted;
            }
            (State::Row, b'\r' | b'\n') => {
                self.cell_at.clear();
                self.end_line(byte, rows)?;
            }
            (_, b',') => {
                self.end_cell()?;
                self.state = State::Cell;
            }
            (_, b'\r' | b'\n') => {
                self.end_cell()?;
                self.end_line(byte, rows)?;
            }
            (State::Quote, _) => return Err(place.broken(Fault::BehindQuote)),
            (_, byte) => {
                self.state = State::Plain;
                self.keep(byte)?;
            }
        }
        Ok(())
    }

    fn keep(&mut self, byte: u8) -> Result<(), Broken> {
        if self.bytes.len() == MOST_BYTES {
            return Err(self.row_at.broken(Fault::TooLong));
        }
        self.bytes.push(byte);
        Ok(())
    }

    fn end_cell(&mut self) -> Result<(), Broken> {
        if self.ends.len() == MOST_CELLS {
            return Err(self.row_at.broken(Fault::TooManyCells));
        }
        // A row that ends behind a comma has one more cell, of which nothing was read.
        if self.cell_at.len() == self.ends.len() {
            self.cell_at.push(self.at);
        }
        self.ends.push(self.bytes.len());
        Ok(())
    }

    fn end_line(&mut self, byte: u8, rows: &mut Vec<Cells>) -> Result<(), Broken> {
        self.end_row(rows)?;
        if byte == b'\r' {
            // An LF that may follow counts no line of its own.
            self.at = Place { line: self.at.line + 1, column: 1 };
            self.state = State::Return;
            self.held_back = rows.pop();
        }
        Ok(())
    }

    fn end_row(&mut self, rows: &mut Vec<Cells>) -> Result<(), Broken> {
        let mut cells = Vec::with_capacity(self.ends.len());
        let mut start = 0;
        for (n, end) in self.ends.iter().enumerate() {
            let bytes = self.bytes.get(start..*end).unwrap_or_default();
            let text = std::str::from_utf8(bytes).map_err(|error| {
                let place = self.cell_at.get(n).copied().unwrap_or(self.row_at);
                let good = bytes.get(..error.valid_up_to()).unwrap_or_default();
                let column = place.column + String::from_utf8_lossy(good).chars().count() as u64;
                Place { column, ..place }.broken(Fault::NotUtf8)
            })?;
            cells.push(text.to_owned());
            start = *end;
        }
        rows.push(Cells { row: self.row, line: self.row_at.line, cells, end: self.read });
        self.row += 1;
        self.state = State::Row;
        self.bytes.clear();
        self.ends.clear();
        self.cell_at.clear();
        Ok(())
    }
}

impl Default for Reader {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::csv;

    fn read_in(pieces: &[&[u8]]) -> Result<Vec<Cells>, Broken> {
        let (mut reader, mut rows) = (Reader::new(), Vec::new());
        for piece in pieces {
            reader.read(piece, &mut rows)?;
        }
        reader.end(&mut rows)?;
        Ok(rows)
    }

    fn read(file: &[u8]) -> Result<Vec<Cells>, Broken> {
        read_in(&[file])
    }

    fn cells(file: &[u8]) -> Vec<Vec<String>> {
        read(file).expect("good").into_iter().map(|row| row.cells).collect()
    }

    fn broken(file: &[u8]) -> (u64, u64, Fault) {
        let broken = read(file).expect_err("broken");
        (broken.line, broken.column, broken.fault)
    }

    #[test]
    fn marks_line_breaks_and_quotes_are_as_in_the_world() {
        let expected = [vec!["a", "b"], vec!["1\r\n\"2\"", ""], vec![], vec!["ü", "x\"y"]];
        for file in [
            "\u{feff}a,b\r\n\"1\r\n\"\"2\"\"\",\r\n\r\nü,x\"y\r\n",
            "a,b\n\"1\r\n\"\"2\"\"\",\n\nü,x\"y",
            "a,b\r\"1\r\n\"\"2\"\"\",\r\rü,x\"y\r",
        ] {
            assert_eq!(cells(file.as_bytes()), expected, "{file:?}");
        }
        let rows = read("\u{feff}a\r\n\r\n\"b\nc\"\r\nd".as_bytes()).expect("good");
        let places: Vec<_> = rows.iter().map(|row| (row.row, row.line, row.end)).collect();
        assert_eq!(places, [(1, 1, 6), (2, 2, 8), (3, 3, 15), (4, 5, 16)]);
        assert_eq!(cells(b""), [[""; 0]; 0]);
        assert_eq!(cells("\u{feff}".as_bytes()), [[""; 0]; 0]);
    }

    #[test]
    fn what_is_wrong_is_told_by_line_and_column() {
        assert_eq!(broken(b"a,b\n1,\"x\n2,y\n"), (2, 3, Fault::Unclosed));
        assert_eq!(broken(b"a\n\"x\"y\n"), (2, 4, Fault::BehindQuote));
        assert_eq!(broken(b"name,city\n\xc3\xbc\xc3\xbc,M\xfcnchen\n"), (2, 5, Fault::NotUtf8));
        assert_eq!(broken(b"PK\x03\x04\x14\x00"), (1, 1, Fault::Workbook));
        assert_eq!(broken(b"\xff\xfea\x00"), (1, 1, Fault::Utf16));
        assert_eq!(broken(",".repeat(1_000).as_bytes()), (1, 1, Fault::TooManyCells));
        assert_eq!(broken(format!("a\n{}", "x".repeat(MOST_BYTES + 1)).as_bytes()), (2, 1, Fault::TooLong));
        assert_eq!(cells(format!("a\n{}", "x".repeat(1_000_000)).as_bytes())[1][0].len(), 1_000_000);
    }

    proptest! {
        #[test]
        fn what_is_written_reads_back_however_it_comes(
            table in prop::collection::vec(prop::collection::vec("[a\"',\r\n é=]{0,5}", 1..4), 1..6),
            cut in 1_usize..7,
        ) {
            let mut file = Vec::new();
            for cells in &table {
                csv::row(&mut file, cells);
            }
            let pieces: Vec<&[u8]> = file.chunks(cut).collect();
            let rows = read_in(&pieces).expect("good");
            prop_assert_eq!(rows.last().map(|row| row.end), Some(file.len() as u64));
            for (n, row) in rows.iter().enumerate() {
                // From the end of any row on, the rest reads the same.
                let (mut reader, mut rest) = (Reader::behind(row.end, row.row), Vec::new());
                reader.read(&file[usize::try_from(row.end).expect("short")..], &mut rest).expect("good");
                reader.end(&mut rest).expect("good");
                let shown = |rows: &[Cells]| rows.iter().map(|row| (row.row, row.end, row.cells.clone())).collect::<Vec<_>>();
                prop_assert_eq!(shown(&rest), shown(&rows[n + 1..]));
            }
            let read: Vec<_> = rows.into_iter().map(|row| row.cells).collect();
            prop_assert_eq!(read, table);
        }

        #[test]
        fn any_bytes_are_read_without_panic(bytes: Vec<u8>) {
            let _ = read(&bytes);
        }
    }
}
