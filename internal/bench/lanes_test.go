package main

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

func TestLanesSurviveTheirFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "calls")
	rapid.Check(t, func(t *rapid.T) {
		one := rapid.Custom(func(t *rapid.T) lane {
			return lane{
				url:    "http://127.0.0.1:" + rapid.StringMatching(`[0-9]{4}`).Draw(t, "port") + "/ispmgr",
				bodies: rapid.SliceOf(rapid.StringMatching(`func=[a-z.]{1,9}(&[a-z]=[a-z%0-9+]{0,9}){0,3}`)).Draw(t, "bodies"),
			}
		})
		want := rapid.SliceOfN(one, 0, 4).Draw(t, "lanes")
		if err := writeLanes(path, want); err != nil {
			t.Fatal(err)
		}
		got, err := readLanes(path)
		if err != nil {
			t.Fatal(err)
		}
		same := cmp.Comparer(func(a, b lane) bool {
			return a.url == b.url && strings.Join(a.bodies, "\n") == strings.Join(b.bodies, "\n")
		})
		if len(got) != len(want) || len(want) > 0 && !cmp.Equal(want, got, same) {
			t.Fatalf("wrote %v, read %v", want, got)
		}
	})
}

func TestACallWithoutAPanelIsAnError(t *testing.T) {
	path := filepath.Join(t.TempDir(), "calls")
	if err := writeLanes(path, []lane{{"func=user", nil}}); err != nil {
		t.Fatal(err)
	}
	if _, err := readLanes(path); err == nil || !strings.Contains(err.Error(), "begins with a call") {
		t.Errorf("the error is %v", err)
	}
}

// The floor logs in itself, so no session of another run may be in its calls.
func TestLanesHoldTheLoginButNoSession(t *testing.T) {
	s := scenario{size: size{1, 1, 2}}
	f := testFleet(t, s)
	if _, err := sendAll([]lane{{f.hosts[0].url, []string{login(), "func=user&filter=off"}}}, countBytes); err != nil {
		t.Fatal(err)
	}
	want := []string{login(), "filter=off&func=user"}
	if diff := cmp.Diff(want, f.lanes()[0].bodies); diff != "" {
		t.Errorf("the lane (-want +got):\n%s", diff)
	}
}
