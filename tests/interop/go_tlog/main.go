// Command go_tlog judges a log written by the archiver with Go's own transparency log packages, sumdb/note and
// sumdb/tlog, which the test copies out of the toolchain. It shares no code with what it judges: it reads the
// checkpoint, the tiles, the entry bundles and the tlog-proof files by itself, verifies them, and makes every proof
// once more from the tiles.
//
//	go_tlog log  DIR VKEY             audit the log in DIR, signed by VKEY
//	go_tlog prove INDEX ENTRY PROOF VKEY   verify a tlog-proof file for an entry in hex
//	go_tlog consistency DIR OLD NEW   print the consistency proof, one base64 hash per line
//	go_tlog sign SKEY                 sign standard input as a note
//	go_tlog open VKEY                 open the note on standard input and print its text
//
// It prints one line per thing that holds and exits 1 at the first that does not.
package main

import (
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"oracle/note"
	"oracle/tlog"
)

func must(err error, what string) {
	if err != nil {
		fmt.Fprintf(os.Stderr, "%s: %v\n", what, err)
		os.Exit(1)
	}
}

func number(text string) int64 {
	value, err := strconv.ParseInt(text, 10, 64)
	must(err, "number")
	if strconv.FormatInt(value, 10) != text {
		must(fmt.Errorf("%q is not canonical", text), "number")
	}
	return value
}

// open verifies a note and returns its text.
func open(data []byte, vkey string) string {
	verifier, err := note.NewVerifier(vkey)
	must(err, "verifier key")
	opened, err := note.Open(data, note.VerifierList(verifier))
	must(err, "note")
	return opened.Text
}

// head reads the three lines of a verified checkpoint.
func head(data []byte, vkey string) (string, tlog.Tree) {
	lines := strings.Split(open(data, vkey), "\n")
	if len(lines) != 4 || lines[3] != "" {
		must(fmt.Errorf("%d lines", len(lines)-1), "checkpoint")
	}
	root, err := tlog.ParseHash(lines[2])
	must(err, "root")
	return lines[0], tlog.Tree{N: number(lines[1]), Hash: root}
}

// directory reads tiles where tlog-tiles puts them, which is Go's path without the tile height.
type directory string

func (dir directory) Height() int { return 8 }

func (dir directory) ReadTiles(tiles []tlog.Tile) ([][]byte, error) {
	var all [][]byte
	for _, tile := range tiles {
		path := strings.Replace(tile.Path(), "tile/8/", "tile/", 1)
		data, err := os.ReadFile(filepath.Join(string(dir), path))
		if err != nil {
			return nil, err
		}
		all = append(all, data)
	}
	return all, nil
}

func (dir directory) SaveTiles([]tlog.Tile, [][]byte) {}

// entries reads every entry bundle of a log of this size.
func (dir directory) entries(size int64) [][]byte {
	var all [][]byte
	for index := int64(0); index*256 < size; index++ {
		tile := tlog.Tile{H: 8, L: 0, N: index, W: int(min(256, size-index*256))}
		path := strings.Replace(tile.Path(), "tile/8/0/", "tile/entries/", 1)
		data, err := os.ReadFile(filepath.Join(string(dir), path))
		must(err, "bundle")
		for count := 0; count < tile.W; count++ {
			length := int(binary.BigEndian.Uint16(data))
			all = append(all, data[2:2+length])
			data = data[2+length:]
		}
		if len(data) != 0 {
			must(fmt.Errorf("%d bytes left over", len(data)), path)
		}
	}
	return all
}

// chosen returns indexes at both ends, around tile boundaries and in between.
func chosen(size int64) []int64 {
	var all []int64
	for index := int64(0); index < size; index++ {
		near := index % 256
		if size <= 300 || index < 2 || size-index <= 2 || (near <= 1 || near == 255) && index%(1+size/2048) == 0 {
			all = append(all, index)
		}
	}
	return all
}

func auditLog(dir directory, vkey string) {
	data, err := os.ReadFile(filepath.Join(string(dir), "checkpoint"))
	must(err, "checkpoint")
	origin, tree := head(data, vkey)
	fmt.Printf("checkpoint %s %d\n", origin, tree.N)

	var stored []tlog.Hash
	memory := tlog.HashReaderFunc(func(indexes []int64) ([]tlog.Hash, error) {
		var out []tlog.Hash
		for _, index := range indexes {
			out = append(out, stored[index])
		}
		return out, nil
	})
	entries := dir.entries(tree.N)
	for index, entry := range entries {
		hashes, err := tlog.StoredHashes(int64(index), entry, memory)
		must(err, "entry")
		stored = append(stored, hashes...)
	}
	root, err := tlog.TreeHash(tree.N, memory)
	must(err, "tree hash")
	if root != tree.Hash {
		must(fmt.Errorf("entries give %v, the checkpoint says %v", root, tree.Hash), "root")
	}
	fmt.Printf("root of %d entries\n", len(entries))

	for _, tile := range tlog.NewTiles(8, 0, tree.N) {
		want, err := tlog.ReadTileData(tile, memory)
		must(err, "tile")
		have, err := dir.ReadTiles([]tlog.Tile{tile})
		must(err, "tile")
		if string(want) != string(have[0]) {
			must(fmt.Errorf("differs"), tile.Path())
		}
	}
	fmt.Printf("tiles %d\n", len(tlog.NewTiles(8, 0, tree.N)))

	reader := tlog.TileHashReader(tree, dir)
	for _, index := range chosen(tree.N) {
		proof, err := tlog.ProveRecord(tree.N, index, reader)
		must(err, "inclusion")
		must(tlog.CheckRecord(proof, tree.N, tree.Hash, index, tlog.RecordHash(entries[index])), "inclusion")
		old, err := tlog.TreeHash(index+1, memory)
		must(err, "old tree")
		consistency, err := tlog.ProveTree(tree.N, index+1, reader)
		must(err, "consistency")
		must(tlog.CheckTree(consistency, tree.N, tree.Hash, index+1, old), "consistency")
	}
	fmt.Printf("proofs from tiles %d\n", len(chosen(tree.N)))
}

func verifyProof(index int64, entry []byte, data []byte, vkey string) {
	top, checkpoint, found := strings.Cut(string(data), "\n\n")
	lines := strings.Split(top, "\n")
	if !found || lines[0] != "c2sp.org/tlog-proof@v1" || lines[1] != fmt.Sprintf("index %d", index) {
		must(fmt.Errorf("%q", lines), "tlog-proof")
	}
	_, tree := head([]byte(checkpoint), vkey)
	var proof tlog.RecordProof
	for _, line := range lines[2:] {
		hash, err := tlog.ParseHash(line)
		must(err, "hash")
		proof = append(proof, hash)
	}
	must(tlog.CheckRecord(proof, tree.N, tree.Hash, index, tlog.RecordHash(entry)), "inclusion")
	fmt.Printf("entry %d of %d\n", index, tree.N)
}

func proveConsistency(dir directory, old, size int64) {
	var leaves []tlog.Hash
	reader := tlog.HashReaderFunc(func(indexes []int64) ([]tlog.Hash, error) {
		var out []tlog.Hash
		for _, index := range indexes {
			out = append(out, leaves[index])
		}
		return out, nil
	})
	for index, entry := range dir.entries(size) {
		hashes, err := tlog.StoredHashes(int64(index), entry, reader)
		must(err, "entry")
		leaves = append(leaves, hashes...)
	}
	proof, err := tlog.ProveTree(size, old, reader)
	must(err, "consistency")
	for _, hash := range proof {
		fmt.Println(base64.StdEncoding.EncodeToString(hash[:]))
	}
}

func main() {
	arguments := os.Args[1:]
	switch {
	case len(arguments) == 3 && arguments[0] == "log":
		auditLog(directory(arguments[1]), arguments[2])
	case len(arguments) == 5 && arguments[0] == "prove":
		entry, err := hex.DecodeString(arguments[2])
		must(err, "entry")
		data, err := os.ReadFile(arguments[3])
		must(err, "tlog-proof")
		verifyProof(number(arguments[1]), entry, data, arguments[4])
	case len(arguments) == 4 && arguments[0] == "consistency":
		proveConsistency(directory(arguments[1]), number(arguments[2]), number(arguments[3]))
	case len(arguments) == 2 && arguments[0] == "sign":
		text, err := io.ReadAll(os.Stdin)
		must(err, "input")
		signer, err := note.NewSigner(arguments[1])
		must(err, "signer key")
		signed, err := note.Sign(&note.Note{Text: string(text)}, signer)
		must(err, "sign")
		os.Stdout.Write(signed)
	case len(arguments) == 2 && arguments[0] == "open":
		data, err := io.ReadAll(os.Stdin)
		must(err, "input")
		fmt.Print(open(data, arguments[1]))
	default:
		must(fmt.Errorf("%q", arguments), "usage")
	}
}
