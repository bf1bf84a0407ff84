package main

import (
	"archive/zip"
	"bytes"
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

const prefix = "golang.org/toolchain@v0.0.1-go1.2.linux-amd64/"

func zipOf(t *testing.T, files ...string) []byte {
	t.Helper()
	var buffer bytes.Buffer
	writer := zip.NewWriter(&buffer)
	for place := 0; place < len(files); place += 2 {
		entry, err := writer.Create(files[place])
		if err != nil {
			t.Fatal(err)
		}
		entry.Write([]byte(files[place+1]))
	}
	if err := writer.Close(); err != nil {
		t.Fatal(err)
	}
	return buffer.Bytes()
}

func elsewhere(t *testing.T) {
	t.Helper()
	folder := t.TempDir()
	home, programs = filepath.Join(folder, "lib", "go"), filepath.Join(folder, "bin")
	if err := os.Mkdir(programs, 0o755); err != nil {
		t.Fatal(err)
	}
}

func served(t *testing.T, body []byte) string {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.Write(body) }))
	t.Cleanup(server.Close)
	return server.URL
}

var good = []string{prefix + "bin/go", "#!/bin/sh\necho fine\n", prefix + "bin/gofmt", "x", prefix + "src/a_test.go", "y", prefix + "VERSION", "z"}

// As `go mod verify` would have it: sha256 of the lines of sha256sum, in base64.
const goodHash = "h1:H1s8q/OeB3Byu8oiO+zYmQY//7/BwjtStrO8nLQYakA="

func TestWhatHasTheRightHashIsUnpacked(t *testing.T) {
	elsewhere(t)
	if err := fetch(served(t, zipOf(t, good...)), prefix, goodHash); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(home, "src", "a_test.go")); err == nil {
		t.Error("tests are left out")
	}
	if about, err := os.Stat(filepath.Join(home, "bin", "go")); err != nil || about.Mode().Perm() != 0o755 {
		t.Error("go is a program", err)
	}
}

func TestNothingIsKeptOfWhatIsRefused(t *testing.T) {
	long := strings.Repeat("a", 2<<20)
	for name, body := range map[string][]byte{
		"another content":    zipOf(t, append(append([]string{}, good...), prefix+"more", "1")...),
		"another name":       zipOf(t, "elsewhere/go", "1"),
		"out of the folder":  zipOf(t, prefix+"../../x", "1"),
		"an absolute path":   zipOf(t, prefix+"/etc/x", "1"),
		"a name twice":       zipOf(t, prefix+"a", "1", prefix+"a", "2"),
		"much when unpacked": zipOf(t, prefix+"a", long),
		"many files":         zipOf(t, prefix+"a", "", prefix+"b", "", prefix+"c", "", prefix+"d", "", prefix+"e", "", prefix+"f", ""),
		"a long download":    []byte(long),
		"no zip":             []byte("hello"),
	} {
		t.Run(name, func(t *testing.T) {
			elsewhere(t)
			defer func(a, b int64, c int) { mostBytes, mostUnpacked, mostFiles = a, b, c }(mostBytes, mostUnpacked, mostFiles)
			mostBytes, mostUnpacked, mostFiles = 1<<20, 1<<20, 5
			err := fetch(served(t, body), prefix, goodHash)
			if err == nil {
				t.Fatal("it was taken")
			}
			if errors.Is(err, errWrongHash) != (name == "another content") {
				t.Error(err)
			}
			left, _ := filepath.Glob(filepath.Join(filepath.Dir(home), "*"))
			hidden, _ := filepath.Glob(filepath.Join(filepath.Dir(home), ".*"))
			if len(left)+len(hidden) > 0 {
				t.Error("left behind:", left, hidden)
			}
		})
	}
}

func TestSilenceIsGivenUp(t *testing.T) {
	elsewhere(t)
	defer func(before time.Duration) { silence = before }(silence)
	silence = 50 * time.Millisecond
	ended := make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, request *http.Request) {
		w.Write([]byte("PK"))
		w.(http.Flusher).Flush()
		select {
		case <-request.Context().Done():
		case <-ended:
		}
	}))
	defer server.Close()
	defer close(ended)
	err := fetch(server.URL, prefix, goodHash)
	if err == nil || !strings.Contains(err.Error(), "nothing came for") {
		t.Error(err)
	}
}
