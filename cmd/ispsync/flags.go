package main

import (
	"fmt"
	"strconv"
	"time"
)

// durationFlag takes a time such as 90s, or a plain number of seconds.
type durationFlag time.Duration

func (d *durationFlag) String() string {
	if *d == 0 {
		return ""
	}
	return time.Duration(*d).String()
}

func (d *durationFlag) Type() string { return "duration" }

func (d *durationFlag) Set(s string) error {
	if n, err := strconv.Atoi(s); err == nil {
		s = fmt.Sprintf("%ds", n)
	}
	v, err := time.ParseDuration(s)
	if err != nil || v < 0 {
		return fmt.Errorf("%q is not a time such as 90s or 10m", s)
	}
	*d = durationFlag(v)
	return nil
}
