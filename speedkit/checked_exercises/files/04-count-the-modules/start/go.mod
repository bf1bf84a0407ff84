module motto

go 1.21

require (
	github.com/kballard/go-shellquote v0.0.0-20180428030007-95032a82bc51
	github.com/mitchellh/go-wordwrap v1.0.1
	github.com/pkg/errors v0.9.1 // no file imports it any more
)
