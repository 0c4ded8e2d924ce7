// Package render owns how plans, reports, the catalog and progress look to
// people. Colour, tables, symbols and terminal control live here and nowhere
// else; JSON is not here, because there the value itself is the output.
//
// Everything is a function over a value that writes to an io.Writer, except
// Progress, which has to remember what it drew.
//
// Rules of every text:
//
//   - The symbols + ~ - and the words Error and Warning are always there, so
//     colour never carries a meaning alone.
//   - What a panel or a spec wrote is never sent to a terminal as it is: see clean.
//   - A delete is never hidden behind a number without its key, except past the
//     twentieth of a kind in the compact form and past what a comment may hold in
//     Markdown, which say so.
//   - The last line of a text is one of a few fixed sentences that scripts may match.
//   - In Markdown and HTML nothing of foreign origin is ever markup: see
//     mdtext.go and html.go.
package render
