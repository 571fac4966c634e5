//! What the screens of each MIS store: a small school, and marks as its own pages write them.

/// Gibbon: two learners, a teacher, a class with a lesson today from 09:00 to 10:00, and the account of Commonroll.
pub const GIBBON_SCHOOL: &str = "
insert into gibbonSchoolYear (gibbonSchoolYearID, name, status, sequenceNumber, firstDay, lastDay)
  values (24, 'last', 'Past', 1, '2000-09-01', '2001-07-01'), (25, 'this', 'Current', 2, '2000-09-01', '2100-07-01');
insert into gibbonPerson (gibbonPersonID, surname, firstName, preferredName, username, status, dob) values
  (11, 'Ashby', 'Ada', 'Ada', 'aashby', 'Full', '2009-05-01'), (12, 'Bell', 'Ben', 'Ben', 'bbell', 'Full', '2009-06-01'),
  (13, 'Cole', 'Cleo', 'Cleo', 'ccole', 'Left', '2009-07-01'),
  (1, 'Teal', 'Tom', 'Tom', 'teacher', 'Full', null), (2, 'Office', 'Commonroll', 'Commonroll', 'commonroll', 'Full', null);
insert into gibbonStudentEnrolment (gibbonPersonID, gibbonSchoolYearID, gibbonYearGroupID, gibbonFormGroupID)
  values (11, 25, 7, 1), (12, 25, 7, 1), (13, 24, 7, 1);
insert into gibbonCourse (gibbonCourseID, gibbonSchoolYearID, name, nameShort) values (40, 25, 'Physics', '12PHY'), (41, 24, 'Physics', '12PHY');
insert into gibbonCourseClass (gibbonCourseClassID, gibbonCourseID, name, nameShort) values (50, 40, '1', '1'), (51, 41, '1', '1');
insert into gibbonCourseClassPerson (gibbonCourseClassID, gibbonPersonID, role) values
  (50, 11, 'Student'), (50, 12, 'Student'), (50, 1, 'Teacher'), (51, 12, 'Student');
insert into gibbonTT (gibbonTTID, gibbonSchoolYearID, name, nameShort, active) values (60, 25, 'Main', 'Main', 'Y');
insert into gibbonTTDay (gibbonTTDayID, gibbonTTID, gibbonTTColumnID, name, nameShort) values (61, 60, 62, 'Day', 'D');
insert into gibbonTTColumnRow (gibbonTTColumnRowID, gibbonTTColumnID, name, nameShort, timeStart, timeEnd)
  values (63, 62, '1', '1', '09:00:00', '10:00:00');
insert into gibbonTTDayRowClass (gibbonTTDayRowClassID, gibbonTTColumnRowID, gibbonTTDayID, gibbonCourseClassID) values (64, 63, 61, 50);
insert into gibbonTTDayDate (gibbonTTDayID, date) values (61, current_date), (61, '2026-10-23'), (61, '2026-10-26'), (61, '2027-03-26'),
  (61, '2027-03-29'), (61, '2026-08-31'), (61, '2026-09-01');
insert into gibbonAttendanceCode (name, nameShort, type, direction, scope, active, sequenceNumber) values
  ('Present', 'P', 'Core', 'In', 'Onsite', 'Y', 1), ('Present - Late', 'PL', 'Core', 'In', 'Onsite - Late', 'Y', 2),
  ('Present - Offsite', 'PS', 'Core', 'In', 'Offsite', 'Y', 3), ('Absent', 'A', 'Core', 'Out', 'Offsite', 'Y', 4),
  ('Left', 'L', 'Core', 'Out', 'Offsite - Left', 'Y', 5), ('Left - Early', 'LE', 'Core', 'Out', 'Offsite - Left', 'Y', 6);
";

/// Take Attendance by Class: one more row of the log.
pub fn gibbon_class(learner: u32, day: &str, code: &str) -> String {
    format!(
        "insert into gibbonAttendanceLogPerson (gibbonAttendanceCodeID, gibbonPersonID, direction, type, reason, context, comment, date, \
         gibbonPersonIDTaker, gibbonCourseClassID, gibbonTTDayRowClassID, timestampTaken) \
         select gibbonAttendanceCodeID, {learner}, direction, name, '', 'Class', '', {day}, 1, 50, 64, now() \
         from gibbonAttendanceCode where nameShort = '{code}';"
    )
}

/// Take Attendance by Person.
pub fn gibbon_person(learner: u32, day: &str, code: &str) -> String {
    gibbon_class(learner, day, code).replace("'Class'", "'Person'").replace("50, 64,", "null, null,")
}

/// RosarioSIS and openSIS share their shape, not every column: two learners, a teacher, a course period in the period from 09:00.
pub fn school(product: &str) -> String {
    let periods = match product {
        "rosariosis" => {
            "insert into school_marking_periods (marking_period_id, syear, mp, school_id, title, start_date, end_date) values
               (1, 2026, 'FY', 1, 'Year', '2000-09-01', '2100-07-01'), (2, 2026, 'QTR', 1, 'Quarter', '2000-09-01', '2100-07-01');
             insert into course_period_school_periods (course_period_id, period_id, days) values (70, 80, 'MTWHFSU');
             insert into staff (staff_id, syear, first_name, last_name, username) values (1, 2026, 'Tom', 'Teal', 'teacher');
             insert into students (student_id, last_name, first_name, custom_200000002, custom_200000004) values
               (11, 'Ashby', 'Ada', 'Ada', '2009-05-01'), (12, 'Bell', 'Ben', 'Ben', null), (13, 'Cole', 'Cleo', 'Cleo', null);"
        }
        _ => {
            "insert into marking_periods (marking_period_id, mp_source, syear, mp_type, school_id, title, start_date, end_date) values
               (1, 'openSIS', 2026, 'year', 1, 'Year', '2000-09-01', '2100-07-01'),
               (2, 'openSIS', 2026, 'quarter', 1, 'Quarter', '2000-09-01', '2100-07-01');
             insert into course_period_var (course_period_id, period_id, days, room_id) values (70, 80, 'MTWHFSU', 1);
             insert into staff (staff_id, first_name, last_name) values (1, 'Tom', 'Teal');
             insert into students (student_id, last_name, first_name, common_name, birthdate) values
               (11, 'Ashby', 'Ada', 'Ada', '2009-05-01'), (12, 'Bell', 'Ben', 'Ben', 'not known'), (13, 'Cole', 'Cleo', 'Cleo', null);"
        }
    };
    format!(
        "{periods}
         insert into student_enrollment (id, syear, school_id, student_id, grade_id, start_date, end_date) values
           (1, 2026, 1, 11, 1, '2000-09-01', null), (2, 2026, 1, 12, 1, '2000-09-01', null), (3, 2026, 1, 13, 1, '2000-09-01', '2001-01-01');
         insert into courses (course_id, syear, subject_id, school_id, title) values (60, 2026, 1, 1, 'Physics');
         insert into course_periods (course_period_id, syear, school_id, course_id, short_name, marking_period_id, teacher_id, calendar_id)
           values (70, 2026, 1, 60, 'A', 1, 1, 90);
         insert into school_periods (period_id, syear, school_id, title, short_name, start_time, end_time, attendance)
           values (80, 2026, 1, 'Period 1', '1', '09:00', '10:00', 'Y'), (81, 2026, 1, 'Period 2', '2', '10:00', '11:00', 'Y');
         insert into attendance_calendar (syear, school_id, school_date, calendar_id, minutes) values (2026, 1, current_date, 90, 300);
         insert into schedule (id, syear, school_id, student_id, start_date, course_id, course_period_id)
           values (1, 2026, 1, 11, '2000-09-01', 60, 70), (2, 2026, 1, 12, '2000-09-01', 60, 70);
         insert into attendance_codes (id, syear, school_id, title, short_name, type, state_code, default_code, table_name, sort_order) values
           (1, 2026, 1, 'Present', 'P', 'teacher', 'P', 'Y', 0, 1), (2, 2026, 1, 'Absent', 'A', 'teacher', 'A', null, 0, 2),
           (3, 2026, 1, 'Tardy', 'T', 'teacher', 'P', null, 0, 3), (4, 2026, 1, 'Excused Absence', 'E', 'official', 'A', null, 0, 4),
           (5, 2026, 1, 'Half Day', 'H', 'official', 'H', null, 0, 5);"
    )
}

/// The teacher's screen: the mark is the teacher's and, until the office says more, the mark.
pub fn teacher(learner: u32, day: &str, period: u32, code: &str) -> String {
    format!(
        "insert into attendance_period (student_id, school_date, period_id, attendance_code, attendance_teacher_code, course_period_id) \
         select {learner}, {day}, {period}, id, id, 70 from attendance_codes where short_name = '{code}';"
    )
}

/// The office's screen.
pub fn office(learner: u32, period: u32, code: &str) -> String {
    format!(
        "update attendance_period set attendance_code = (select id from attendance_codes where short_name = '{code}'), admin = 'Y' \
         where student_id = {learner} and period_id = {period};"
    )
}
