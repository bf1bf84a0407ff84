// buildkit_parser says how BuildKit's own parser reads Dockerfiles: one in base64 per line comes in, one JSON per line goes out.
package main

import (
	"bufio"
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"os"

	"github.com/moby/buildkit/frontend/dockerfile/parser"
)

type heredoc struct {
	Name    []byte `json:"name"`
	Content []byte `json:"content"`
	Expand  bool   `json:"expand"`
	Chomp   bool   `json:"chomp"`
}

type instruction struct {
	Keyword  []byte    `json:"keyword"`
	Original []byte    `json:"original"`
	Flags    [][]byte  `json:"flags"`
	Words    [][]byte  `json:"words"`
	JSON     bool      `json:"json"`
	Line     int       `json:"line"`
	EndLine  int       `json:"end_line"`
	Heredocs []heredoc `json:"heredocs"`
}

type reading struct {
	Error        string        `json:"error"`
	Line         int           `json:"line"`
	Escape       string        `json:"escape"`
	Syntax       []byte        `json:"syntax"`
	Check        []byte        `json:"check"`
	Instructions []instruction `json:"instructions"`
}

func read(text []byte) reading {
	result := reading{}
	if image, _, _, ok := parser.DetectSyntax(text); ok {
		result.Syntax = []byte(image)
	}
	if check, _, _, ok := parser.ParseDirective("check", text); ok {
		result.Check = []byte(check)
	}
	parsed, err := parser.Parse(bytes.NewReader(text))
	if err != nil {
		result.Error = err.Error()
		var located *parser.LocationError
		if errors.As(err, &located) && len(located.Locations) > 0 && len(located.Locations[0]) > 0 {
			result.Line = located.Locations[0][0].Start.Line
		}
		return result
	}
	result.Escape = string(parsed.EscapeToken)
	for _, node := range parsed.AST.Children {
		result.Instructions = append(result.Instructions, instructionOf(node))
	}
	return result
}

func instructionOf(node *parser.Node) instruction {
	result := instruction{
		Keyword: []byte(node.Value), Original: []byte(node.Original), Line: node.StartLine, EndLine: node.EndLine,
	}
	for _, flag := range node.Flags {
		result.Flags = append(result.Flags, []byte(flag))
	}
	for _, body := range node.Heredocs {
		result.Heredocs = append(result.Heredocs, heredoc{[]byte(body.Name), []byte(body.Content), body.Expand, body.Chomp})
	}
	if node.Next != nil && len(node.Next.Children) > 0 { // ONBUILD
		node = node.Next.Children[0]
	}
	result.JSON = node.Attributes["json"]
	for word := node.Next; word != nil; word = word.Next {
		result.Words = append(result.Words, []byte(word.Value))
	}
	return result
}

func main() {
	lines := bufio.NewReaderSize(os.Stdin, 1<<20)
	for {
		line, err := lines.ReadBytes('\n')
		if len(line) > 0 {
			text, _ := base64.StdEncoding.DecodeString(string(bytes.TrimSpace(line)))
			said, _ := json.Marshal(read(text))
			os.Stdout.Write(append(said, '\n'))
		}
		if err != nil {
			return
		}
	}
}
