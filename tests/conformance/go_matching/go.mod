module speedkit/go_matching

go 1.25

require (
	github.com/moby/buildkit v0.25.2
	github.com/moby/patternmatcher v0.6.0
)

require github.com/pkg/errors v0.9.1 // indirect
