// apk stands in for Alpine's package tool where no registry answers. It knows one package that can be fetched: go, which
// comes as the toolchain module that the Go module proxy serves.
//
// Usage: apk add [--no-cache] [--virtual NAME] PACKAGE…, apk del PACKAGE-OR-NAME…
package main

import (
	"archive/zip"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
)

const (
	home     = "/usr/lib/go"
	settings = "/etc/apk/go"
	virtuals = "/etc/apk/virtual"
)

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
	found := []string{}
	for _, name := range names {
		path := filepath.Join(virtuals, filepath.Base(name))
		text, err := os.ReadFile(path)
		if err != nil {
			found = append(found, name)
			continue
		}
		os.Remove(path)
		found = append(found, strings.Fields(string(text))...)
	}
	return found
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
			for _, path := range []string{home, "/usr/bin/go", "/usr/bin/gofmt"} {
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
	version, proxies, _ := strings.Cut(strings.TrimSpace(string(text)), " ")
	if own := os.Getenv("GOPROXY"); own != "" {
		proxies = own
	}
	fmt.Printf("%s Installing go (%s)\n", place, strings.TrimPrefix(version, "go"))
	name := fmt.Sprintf("golang.org/toolchain/@v/v0.0.1-%s.%s-%s.zip", version, runtime.GOOS, runtime.GOARCH)
	var last error
	for _, proxy := range strings.FieldsFunc(proxies, func(r rune) bool { return r == ',' || r == '|' }) {
		if proxy == "direct" || proxy == "off" {
			continue
		}
		if last = fetch(strings.TrimSuffix(proxy, "/") + "/" + name); last == nil {
			return nil
		}
	}
	if last == nil {
		last = fmt.Errorf("no module proxy is set")
	}
	return last
}

func fetch(address string) error {
	reply, err := http.Get(address)
	if err != nil {
		return err
	}
	defer reply.Body.Close()
	if reply.StatusCode != http.StatusOK {
		return fmt.Errorf("%s: %s", address, reply.Status)
	}
	file, err := os.CreateTemp("", "apk-*.zip")
	if err != nil {
		return err
	}
	defer os.Remove(file.Name())
	defer file.Close()
	size, err := io.Copy(file, reply.Body)
	if err != nil {
		return err
	}
	archive, err := zip.NewReader(file, size)
	if err != nil {
		return err
	}
	return unpack(archive)
}

// unpack writes the toolchain below home. The zip of a module holds no modes: programs are where Go keeps programs.
func unpack(archive *zip.Reader) error {
	for _, entry := range archive.File {
		_, path, found := strings.Cut(entry.Name, "@")
		_, path, _ = strings.Cut(path, "/")
		if !found || !filepath.IsLocal(path) || strings.HasPrefix(path, "test/") || strings.HasSuffix(path, "_test.go") {
			continue
		}
		if err := write(entry, filepath.Join(home, path), mode(path)); err != nil {
			return err
		}
	}
	for _, program := range []string{"go", "gofmt"} {
		if err := os.Symlink(home+"/bin/"+program, "/usr/bin/"+program); err != nil {
			return err
		}
	}
	if said, err := exec.Command(home+"/bin/go", "version").CombinedOutput(); err != nil {
		return fmt.Errorf("the Go that was fetched does not run: %w: %s", err, said)
	}
	return nil
}

func mode(path string) os.FileMode {
	if strings.HasPrefix(path, "bin/") || strings.HasPrefix(path, "pkg/tool/") {
		return 0o755
	}
	return 0o644
}

func write(entry *zip.File, path string, mode os.FileMode) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	from, err := entry.Open()
	if err != nil {
		return err
	}
	defer from.Close()
	to, err := os.OpenFile(path, os.O_CREATE|os.O_WRONLY|os.O_TRUNC, mode)
	if err != nil {
		return err
	}
	if _, err := io.Copy(to, from); err != nil {
		to.Close()
		return err
	}
	return to.Close()
}
