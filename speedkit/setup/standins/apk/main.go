// apk stands in for Alpine's package tool where no registry answers. It knows one package that can be fetched: go, which
// comes as the toolchain module that the Go module proxy serves. Its hash is the one that set-up had the Go command check
// against the checksum database, and nothing is kept of a download that differs.
//
// Usage: apk add [--no-cache] [--virtual NAME] PACKAGE…, apk del PACKAGE-OR-NAME…
package main

import (
	"archive/zip"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"sort"
	"strings"
	"time"
)

// Where things are; tests put other places here.
var (
	home     = "/usr/lib/go"
	programs = "/usr/bin"
	settings = "/etc/apk/go"
	virtuals = "/etc/apk/virtual"
)

// A toolchain has some 72 MB in some 15,000 files, 240 MB unpacked. Tests set less.
var (
	mostBytes    int64 = 300 << 20
	mostUnpacked int64 = 1 << 30
	mostFiles          = 60_000
	silence            = 30 * time.Second
	wholeTime          = 20 * time.Minute
)

var errWrongHash = errors.New("it is not what the checksum database has")

var included = map[string]bool{"ca-certificates": true, "tzdata": true, "busybox": true, "alpine-baselayout": true}

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "ERROR:", err)
		os.Exit(1)
	}
}

func run(arguments []string) error {
	verb, virtual, packages := "", "", []string{}
	for i := 0; i < len(arguments); i++ {
		argument := arguments[i]
		switch {
		case argument == "-t" || argument == "--virtual":
			if i++; i < len(arguments) {
				virtual = arguments[i]
			}
		case strings.HasPrefix(argument, "--virtual="):
			virtual = strings.TrimPrefix(argument, "--virtual=")
		case strings.HasPrefix(argument, "-"):
		case verb == "":
			verb = argument
		default:
			packages = append(packages, argument)
		}
	}
	switch verb {
	case "update", "upgrade":
		return nil
	case "add":
		if err := each(verb, packages); err != nil || virtual == "" {
			return err
		}
		return remember(virtual, packages)
	case "del":
		return each(verb, members(packages))
	}
	return fmt.Errorf("this stand-in for apk knows add and del, not %q", verb)
}

// remember writes down which packages go by a name of the user's.
func remember(virtual string, packages []string) error {
	if err := os.MkdirAll(virtuals, 0o755); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(virtuals, filepath.Base(virtual)), []byte(strings.Join(packages, " ")), 0o644)
}

// members are the packages that the names stand for; a name that was used is forgotten.
func members(names []string) []string {
	packages := []string{}
	for _, name := range names {
		path := filepath.Join(virtuals, filepath.Base(name))
		text, err := os.ReadFile(path)
		if err != nil {
			packages = append(packages, name)
			continue
		}
		os.Remove(path)
		packages = append(packages, strings.Fields(string(text))...)
	}
	return packages
}

func each(verb string, packages []string) error {
	for number, name := range packages {
		if included[name] {
			continue
		}
		if name != "go" {
			return fmt.Errorf("unable to select package %s: this stand-in for Alpine can fetch go, and nothing else", name)
		}
		place := fmt.Sprintf("(%d/%d)", number+1, len(packages))
		if verb == "del" {
			fmt.Println(place, "Purging go")
			for _, path := range []string{home, filepath.Join(programs, "go"), filepath.Join(programs, "gofmt")} {
				if err := os.RemoveAll(path); err != nil {
					return err
				}
			}
			continue
		}
		if err := install(place); err != nil {
			return err
		}
	}
	return nil
}

// install fetches the toolchain from the first proxy that has it.
func install(place string) error {
	text, err := os.ReadFile(settings)
	if err != nil {
		return err
	}
	parts := strings.SplitN(strings.TrimSpace(string(text)), " ", 3)
	if len(parts) < 2 || !strings.HasPrefix(parts[1], "h1:") {
		return fmt.Errorf("the hash of Go is not known: set-up could not ask the checksum database when it made this image")
	}
	version, hash, proxies := parts[0], parts[1], strings.Join(parts[2:], "")
	if own := os.Getenv("GOPROXY"); own != "" {
		proxies = own
	}
	fmt.Printf("%s Installing go (%s)\n", place, strings.TrimPrefix(version, "go"))
	module := fmt.Sprintf("v0.0.1-%s.%s-%s", version, runtime.GOOS, runtime.GOARCH)
	var last error
	for _, proxy := range strings.FieldsFunc(proxies, func(r rune) bool { return r == ',' || r == '|' }) {
		if proxy == "direct" || proxy == "off" {
			continue
		}
		last = fetch(strings.TrimSuffix(proxy, "/")+"/golang.org/toolchain/@v/"+module+".zip", "golang.org/toolchain@"+module+"/", hash)
		if last == nil || errors.Is(last, errWrongHash) {
			return last
		}
	}
	if last == nil {
		last = fmt.Errorf("no module proxy is set")
	}
	return last
}

// fetch downloads the zip of a module, in which every name begins with prefix, and unpacks it if its hash is right.
func fetch(address, prefix, hash string) error {
	file, err := os.CreateTemp("", "apk-*.zip")
	if err != nil {
		return err
	}
	defer os.Remove(file.Name())
	defer file.Close()
	size, err := download(address, file)
	if err != nil {
		return fmt.Errorf("%s: %w", address, err)
	}
	archive, err := zip.NewReader(file, size)
	if err != nil {
		return fmt.Errorf("%s: %w", address, err)
	}
	if err := unpack(archive, prefix, hash); err != nil {
		return fmt.Errorf("%s: %w", address, err)
	}
	return nil
}

// download writes what an address hands out to a file. It gives up when nothing comes for a while, and when too much does.
func download(address string, file io.Writer) (int64, error) {
	whole, cancel := context.WithTimeout(context.Background(), wholeTime)
	defer cancel()
	watched, giveUp := context.WithCancelCause(whole)
	defer giveUp(nil)
	silent := time.AfterFunc(silence, func() { giveUp(fmt.Errorf("nothing came for %s", silence)) })
	defer silent.Stop()
	request, err := http.NewRequestWithContext(watched, http.MethodGet, address, nil)
	if err != nil {
		return 0, err
	}
	reply, err := http.DefaultClient.Do(request)
	if err != nil {
		return 0, because(watched, err)
	}
	defer reply.Body.Close()
	if reply.StatusCode != http.StatusOK {
		return 0, errors.New(reply.Status)
	}
	size, err := io.Copy(file, io.LimitReader(heard{reply.Body, silent}, mostBytes+1))
	if err != nil {
		return 0, because(watched, err)
	}
	if size > mostBytes {
		return 0, fmt.Errorf("more than %d MB: no toolchain is that large", mostBytes>>20)
	}
	return size, nil
}

func because(watched context.Context, err error) error {
	if cause := context.Cause(watched); cause != nil {
		return cause
	}
	return err
}

// heard puts off the moment of giving up with everything that comes.
type heard struct {
	from   io.Reader
	silent *time.Timer
}

func (h heard) Read(into []byte) (int, error) {
	count, err := h.from.Read(into)
	if count > 0 {
		h.silent.Reset(silence)
	}
	return count, err
}

// unpack writes the toolchain below home if the hash of the zip is right, and nothing if it is not.
func unpack(archive *zip.Reader, prefix, hash string) error {
	if err := os.MkdirAll(filepath.Dir(home), 0o755); err != nil {
		return err
	}
	folder, err := os.MkdirTemp(filepath.Dir(home), ".apk-go-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(folder)
	computed, err := write(archive, prefix, folder)
	if err != nil {
		return err
	}
	if computed != hash {
		return fmt.Errorf("%w: its hash is %s, not %s", errWrongHash, computed, hash)
	}
	if err := os.Chmod(folder, 0o755); err != nil {
		return err
	}
	if err := os.RemoveAll(home); err != nil {
		return err
	}
	if err := os.Rename(folder, home); err != nil {
		return err
	}
	for _, program := range []string{"go", "gofmt"} {
		link := filepath.Join(programs, program)
		os.Remove(link)
		if err := os.Symlink(filepath.Join(home, "bin", program), link); err != nil {
			return err
		}
	}
	if output, err := exec.Command(filepath.Join(home, "bin", "go"), "version").CombinedOutput(); err != nil {
		return fmt.Errorf("the Go that was fetched does not run: %w: %s", err, output)
	}
	return nil
}

// write unpacks a module's zip into a folder and gives its hash, as golang.org/x/mod/sumdb/dirhash computes it (Hash1).
// The zip holds no modes: programs are where Go keeps programs. What nobody compiles with is hashed and left out.
func write(archive *zip.Reader, prefix, folder string) (string, error) {
	if len(archive.File) > mostFiles {
		return "", fmt.Errorf("%d files: no toolchain has that many", len(archive.File))
	}
	sums := map[string][]byte{}
	left := mostUnpacked
	for _, entry := range archive.File {
		path, ok := strings.CutPrefix(entry.Name, prefix)
		if _, twice := sums[entry.Name]; !ok || twice || !filepath.IsLocal(path) || strings.ContainsAny(path, "\\\n") {
			return "", fmt.Errorf("%q is no name for a file of this module", entry.Name)
		}
		sum, size, err := copyEntry(entry, target(folder, path), left)
		if err != nil {
			return "", err
		}
		sums[entry.Name] = sum
		left -= size
	}
	names := make([]string, 0, len(sums))
	for name := range sums {
		names = append(names, name)
	}
	sort.Strings(names)
	all := sha256.New()
	for _, name := range names {
		fmt.Fprintf(all, "%x  %s\n", sums[name], name)
	}
	return "h1:" + base64.StdEncoding.EncodeToString(all.Sum(nil)), nil
}

// target is where a file goes, "" for one that is left out.
func target(folder, path string) string {
	if strings.HasPrefix(path, "test/") || strings.HasSuffix(path, "_test.go") {
		return ""
	}
	return filepath.Join(folder, path)
}

// copyEntry writes a file, at most left bytes of it, and gives its hash and size.
func copyEntry(entry *zip.File, path string, left int64) ([]byte, int64, error) {
	from, err := entry.Open()
	if err != nil {
		return nil, 0, err
	}
	defer from.Close()
	sum := sha256.New()
	to := io.Writer(sum)
	if path != "" {
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			return nil, 0, err
		}
		file, err := os.OpenFile(path, os.O_CREATE|os.O_WRONLY|os.O_EXCL, mode(entry.Name))
		if err != nil {
			return nil, 0, err
		}
		defer file.Close()
		to = io.MultiWriter(sum, file)
	}
	size, err := io.Copy(to, io.LimitReader(from, left+1))
	if err != nil {
		return nil, 0, err
	}
	if size > left {
		return nil, 0, fmt.Errorf("more than %d MB unpacked: no toolchain is that large", mostUnpacked>>20)
	}
	return sum.Sum(nil), size, nil
}

func mode(name string) os.FileMode {
	_, path, _ := strings.Cut(name[strings.Index(name, "@")+1:], "/")
	if strings.HasPrefix(path, "bin/") || strings.HasPrefix(path, "pkg/tool/") {
		return 0o755
	}
	return 0o644
}
