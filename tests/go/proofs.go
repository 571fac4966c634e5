// Checks checkpoints and proof files of a Commonroll log with the code of Go's checksum database
// (golang.org/x/mod/sumdb, from Debian's golang-golang-x-mod-dev), which shares nothing with ours.
//
//	proofs KEY FOLDER
//
// FOLDER holds old.checkpoint, new.consistency and any number of *.tlog-proof. It ends with 0 only if all of them hold
// and a copy of each with one bit changed does not.
package main

import (
	"encoding/base64"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

func must(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func read(path string) string {
	text, err := os.ReadFile(path)
	must(err)
	return string(text)
}

func number(text string) int64 {
	n, err := strconv.ParseInt(text, 10, 64)
	must(err)
	return n
}

// checkpoint opens a signed note and reads the tree from its text.
func checkpoint(text string, key note.Verifier) tlog.Tree {
	opened, err := note.Open([]byte(text), note.VerifierList(key))
	must(err)
	lines := strings.Split(opened.Text, "\n")
	if lines[0] != key.Name() {
		must(fmt.Errorf("the origin is %q", lines[0]))
	}
	hash, err := tlog.ParseHash(lines[2])
	must(err)
	return tlog.Tree{N: number(lines[1]), Hash: hash}
}

// proof parts a file into its lines and its checkpoint.
func proof(path string) ([]string, string) {
	head, tail, found := strings.Cut(read(path), "\n\n")
	if !found {
		must(fmt.Errorf("%s: no checkpoint", path))
	}
	return strings.Split(head, "\n"), tail
}

func hashes(lines []string) []tlog.Hash {
	var all []tlog.Hash
	for _, line := range lines {
		hash, err := tlog.ParseHash(line)
		must(err)
		all = append(all, hash)
	}
	return all
}

func main() {
	key, err := note.NewVerifier(os.Args[1])
	must(err)
	folder := os.Args[2]

	files, err := filepath.Glob(filepath.Join(folder, "*.tlog-proof"))
	must(err)
	for _, file := range files {
		lines, tail := proof(file)
		tree := checkpoint(tail, key)
		entry, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(lines[1], "extra "))
		must(err)
		index := number(strings.TrimPrefix(lines[2], "index "))
		path := hashes(lines[3:])
		must(tlog.CheckRecord(path, tree.N, tree.Hash, index, tlog.RecordHash(entry)))
		entry[len(entry)/2] ^= 1
		if tlog.CheckRecord(path, tree.N, tree.Hash, index, tlog.RecordHash(entry)) == nil {
			must(fmt.Errorf("%s: a changed entry holds too", file))
		}
	}

	old := checkpoint(read(filepath.Join(folder, "old.checkpoint")), key)
	lines, tail := proof(filepath.Join(folder, "new.consistency"))
	newer := checkpoint(tail, key)
	must(tlog.CheckTree(hashes(lines[1:]), newer.N, newer.Hash, old.N, old.Hash))
	old.Hash[7] ^= 1
	if tlog.CheckTree(hashes(lines[1:]), newer.N, newer.Hash, old.N, old.Hash) == nil {
		must(fmt.Errorf("a changed history holds too"))
	}
	fmt.Printf("%d inclusion proofs, %d entries extend %d\n", len(files), newer.N, old.N)
}
