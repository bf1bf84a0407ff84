module apk

go 1.21
