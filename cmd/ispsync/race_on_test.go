//go:build race

package main

// underRace says that the race detector is in the program, which makes the start
// of a process several times as long.
const underRace = true
