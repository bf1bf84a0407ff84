// Answers questions about patterns as BuildKit does: one JSON document a line in, one out.
package main

import (
	"bufio"
	"encoding/json"
	"os"
	"path"

	"github.com/moby/buildkit/frontend/dockerfile/shell"
	"github.com/moby/patternmatcher"
)

type question struct {
	Kind     string            `json:"kind"`
	Patterns []string          `json:"patterns"`
	Paths    []string          `json:"paths"`
	Word     string            `json:"word"`
	Values   map[string]string `json:"values"`
	Escape   string            `json:"escape"`
	Quotes   bool              `json:"quotes"`
}

type answer struct {
	Error string `json:"error"`
	Fits  []bool `json:"fits,omitempty"`
	Text  string `json:"text"`
}

// ignored holds each path against the patterns with what its folder inherits, as fsutil does.
func ignored(asked question) answer {
	matcher, err := patternmatcher.New(asked.Patterns)
	if err != nil {
		return answer{Error: err.Error()}
	}
	inherited := map[string]patternmatcher.MatchInfo{}
	var fits []bool
	for _, place := range asked.Paths {
		fit, info, err := matcher.MatchesUsingParentResults(place, inherited[path.Dir(place)])
		if err != nil {
			return answer{Error: err.Error()}
		}
		inherited[place] = info
		fits = append(fits, fit)
	}
	return answer{Fits: fits}
}

func fitting(asked question) answer {
	var fits []bool
	for _, place := range asked.Paths {
		fit, err := path.Match(asked.Patterns[0], place)
		if err != nil {
			return answer{Error: err.Error()}
		}
		fits = append(fits, fit)
	}
	return answer{Fits: fits}
}

func expanded(asked question) answer {
	lex := shell.NewLex([]rune(asked.Escape)[0])
	lex.SkipProcessQuotes = !asked.Quotes
	values := []string{}
	for name, value := range asked.Values {
		values = append(values, name+"="+value)
	}
	text, _, err := lex.ProcessWord(asked.Word, shell.EnvsFromSlice(values))
	if err != nil {
		return answer{Error: err.Error()}
	}
	return answer{Text: text}
}

func main() {
	kinds := map[string]func(question) answer{"ignored": ignored, "fitting": fitting, "expanded": expanded}
	out := bufio.NewWriter(os.Stdout)
	defer out.Flush()
	encoder := json.NewEncoder(out)
	decoder := json.NewDecoder(bufio.NewReader(os.Stdin))
	for {
		var asked question
		if decoder.Decode(&asked) != nil {
			return
		}
		if err := encoder.Encode(kinds[asked.Kind](asked)); err != nil {
			panic(err)
		}
	}
}
