// Package mgrctl calls a panel through its own program, mgrctl, on this
// machine or on another over the system's OpenSSH.
//
// It owns processes and words: how a call becomes the words of a command line,
// how secrets reach it without being among them, how an ssh connection is
// shared, what an exit says, and how mgrctl's text output is read. It knows no
// kind and no document: what a call prints is streamed to who asked.
//
// mgrctl needs no password; a call has the rights of the unix user that makes
// it (guide "Local calls to control panel"; panel-api.md section 9).
package mgrctl
