// Command ispsync makes ISPmanager panels what YAML specs say they should be.
package main

import (
	"os"
)

func main() {
	os.Exit(int(run(os.Args[1:], &app{stdin: os.Stdin, stdout: os.Stdout, stderr: os.Stderr, environ: os.Environ()})))
}
