// motto prints a motto in lines of a given width: `motto 20`.
package main

import (
	"os"
	"strconv"

	"github.com/kballard/go-shellquote"
	"github.com/mitchellh/go-wordwrap"
)

const motto = "What rarely changes comes first"

func main() {
	width := uint64(16)
	if len(os.Args) > 1 {
		width, _ = strconv.ParseUint(os.Args[1], 10, 8)
	}
	words, _ := shellquote.Split(motto)
	os.Stdout.WriteString(wordwrap.WrapString(shellquote.Join(words...), uint(width)) + "\n")
}
